/* NAME.py: the code of the steps and the expressions that the states of a machine ask for. */
#include "compiler/backend/emit/py_out.h"
#include "compiler/backend/stepfunctions/asl.h"

#include <ctype.h>
#include <stdlib.h>

static Str atom(const Asl *a, Atom x) { return atom_str(a->flow->atoms, x); }

/* --- steps --- */

const char *asl_step_constant(const Asl *a, uint32_t step) {
    const FlowStep *s = &a->flow->step.data[step];
    char *name = arena_printf((Arena *)&a->arena, "%s", atom_cstr(a->flow->atoms, s->name));
    for (char *c = name; *c != '\0'; c++) *c = (char)toupper((unsigned char)*c);
    for (uint32_t i = 0; i < step; i++)
        if (a->flow->step.data[i].name == s->name) return arena_printf((Arena *)&a->arena, "%s__%u", name, step);
    return name;
}

static const FlowConst *const_of(const Asl *a, const FlowSetting *y) {
    return y != NULL && opnd_tag(y->value) == OPND_CONST ? &a->flow->constant.data[opnd_index(y->value)] : NULL;
}

static void put_param(const Asl *a, Buf *out, const FlowParam *p, bool flag) {
    buf_addc(out, '[');
    py_string(out, atom(a, p->name));
    buf_z(out, ", ");
    py_type(out, a->flow, p->type);
    buf_printf(out, ", %s]", flag ? "True" : "False");
}

static void put_step_leaf(PyExpr *e, Opnd o) {
    uint32_t i = opnd_index(o);
    const FlowStep *s = e->step;
    const FlowParam *p = e->flow->param.data + (i < s->nparam ? s->param + i : s->output + i - s->nparam);
    buf_z(e->out, "v[");
    py_string(e->out, atom_str(e->flow->atoms, p->name));
    buf_addc(e->out, ']');
}

static void put_argv(const Asl *a, Buf *out, const FlowStep *s) {
    PyExpr e = {.flow = a->flow, .out = out, .step = s, .beyond = T_STRING, .leaf = put_step_leaf};
    buf_z(out, "    \"argv\": lambda v: [");
    for (uint32_t i = 0; i < s->nargv; i++) {
        Opnd o = a->flow->opnd.data[s->argv + i];
        TypeId t = py_type_of(&e, o);
        if (i > 0) buf_z(out, ", ");
        if (t == T_STRING) {
            py_expr(&e, o);
            continue;
        }
        buf_z(out, "*wf.arg(");
        py_type(out, a->flow, t);
        buf_z(out, ", ");
        py_expr(&e, o);
        buf_addc(out, ')');
    }
    buf_z(out, "],\n");
    py_done(&e);
}

static void put_strings(const Asl *a, Buf *out, const char *key, Opnd list) {
    const FlowExpr *x = opnd_tag(list) == OPND_EXPR ? &a->flow->expr.data[opnd_index(list)] : NULL;
    if (x == NULL || x->op != FLOW_LIST) return;
    buf_printf(out, "    \"%s\": [", key);
    for (uint16_t i = 0; i < x->n; i++) {
        if (i > 0) buf_z(out, ", ");
        py_string(out, a->flow->constant.data[opnd_index(flow_opnds(a->flow, x->a)[i])].s);
    }
    buf_z(out, "],\n");
}

static void put_step(Asl *a, EmitOut *files, Buf *out, uint32_t step) {
    const Flow *f = a->flow;
    const FlowStep *s = &f->step.data[step];
    emit_mark(files, s->span);
    buf_printf(out, "%s = {\n    \"step\": ", asl_step_constant(a, step));
    py_string(out, atom(a, s->name));
    buf_z(out, ", \"body\": ");
    py_string(out, s->body == BODY_EXEC ? STR("exec") : atom(a, s->lang));
    buf_z(out, ",\n    \"inputs\": [");
    for (uint32_t i = 0; i < s->nparam; i++) {
        if (i > 0) buf_z(out, ", ");
        put_param(a, out, &f->param.data[s->param + i], f->param.data[s->param + i].load);
    }
    buf_z(out, "],\n    \"outputs\": [");
    const FlowConst *printed = const_of(a, flow_setting(f, s->settings, SET_STDOUT));
    for (uint32_t i = 0; i < s->noutput; i++) {
        if (i > 0) buf_z(out, ", ");
        const FlowParam *p = &f->param.data[s->output + i];
        put_param(a, out, p, printed != NULL && (printed->s.n == 0 || str_eq(printed->s, atom(a, p->name))));
    }
    buf_z(out, "],\n");
    Buf limits = BUF_INIT;
    if (py_limits_json(&limits, f, s->param, s->nparam)) {
        buf_z(out, "    \"limits\": ");
        py_json(out, buf_view(&limits));
        buf_z(out, ",\n");
    }
    buf_free(&limits);
    const FlowSetting *packages = flow_setting(f, s->settings, SET_PACKAGES);
    if (packages != NULL) put_strings(a, out, "packages", packages->value);
    const FlowConst *python = const_of(a, flow_setting(f, s->settings, SET_PYTHON));
    if (python != NULL) {
        buf_z(out, "    \"python\": ");
        py_string(out, python->s);
        buf_z(out, ",\n");
    }
    if (flow_setting(f, s->settings, SET_CODE) != NULL)
        buf_printf(out, "    \"code_dir\": wf.os.path.join(wf.os.path.dirname(wf.os.path.abspath(__file__)), \"%s_code\"),\n",
                   a->workflow);
    if (s->body == BODY_EXEC) {
        put_argv(a, out, s);
    } else {
        buf_z(out, "    \"file\": ");
        py_z(out, f->sources->file[s->code_span.file].path);
        buf_printf(out, ", \"line\": %u,\n    \"code\": ", s->code_line);
        py_block(out, s->code);
        buf_z(out, ",\n");
    }
    buf_z(out, "}\n\n");
}

/* --- calls --- */

static void put_failure_leaf(PyExpr *e, Opnd o) {
    const FlowStep *s = e->step;
    if (opnd_index(o) >= s->nparam) buf_z(e->out, "f");
    else put_step_leaf(e, o);
}

/* What stands on the call itself refers to the values around it, what stands on its step to the step's parameters. */
static void put_setting(Asl *a, const Scope *s, NodeId n, Setting key, const char *name, const Opnd *all, uint32_t nall) {
    const FlowNode *x = &a->flow->node.data[n];
    const FlowSetting *own = flow_setting(a->flow, x->settings, key), *y = asl_call_setting(a->flow, n, key);
    if (y == NULL) return;
    buf_printf(&a->calls, ", %s=lambda d, v: ", name);
    if (own != NULL) {
        asl_python(a, s, &a->calls, own->value, all, nall, false);
        return;
    }
    PyExpr e = {.flow = a->flow, .out = &a->calls, .step = &a->flow->step.data[x->ref], .beyond = T_STRING,
                .leaf = put_step_leaf};
    py_expr(&e, y->value);
    py_done(&e);
}

static void put_again(Asl *a, NodeId n) {
    const FlowNode *x = &a->flow->node.data[n];
    const FlowSetting *own = flow_setting(a->flow, x->settings, SET_RETRY_ON), *y = asl_call_setting(a->flow, n, SET_RETRY_ON);
    if (y == NULL || asl_retries(a, n) == 0) return;
    static const FlowStep none = {0};
    buf_z(&a->calls, ", again=lambda d, v, f: ");
    PyExpr e = {.flow = a->flow, .out = &a->calls, .step = own != NULL ? &none : &a->flow->step.data[x->ref],
                .beyond = a->flow->failure,
                .leaf = put_failure_leaf};
    py_expr(&e, y->value);
    py_done(&e);
}

void asl_module_call(Asl *a, const Scope *s, NodeId n, const Opnd *o, uint32_t no) {
    const FlowNode *x = &a->flow->node.data[n];
    const FlowStep *step = &a->flow->step.data[x->ref];
    Buf *c = &a->calls;
    buf_z(c, "    ");
    py_z(c, asl_node_name(a, s, n));
    buf_printf(c, ": wf.Call(%s, lambda d: {", asl_step_constant(a, x->ref));
    for (uint32_t i = 0; i < step->nparam; i++) {
        const FlowParam *p = &a->flow->param.data[step->param + i];
        if (i > 0) buf_z(c, ", ");
        py_string(c, atom(a, p->name));
        buf_z(c, ": ");
        asl_python(a, s, c, i < x->nargs ? o[i] : OPND_ABSENT, o, no, true);
    }
    buf_addc(c, '}');
    uint32_t retries = asl_retries(a, n);
    if (retries > 0) buf_printf(c, ", retries=%u", retries);
    put_setting(a, s, n, SET_TIMEOUT, "timeout", o, no);
    put_setting(a, s, n, SET_TIMEOUT_TOTAL, "total", o, no);
    put_setting(a, s, n, SET_ENV, "env", o, no);
    put_again(a, n);
    buf_z(c, "),\n");
}

/* --- the module --- */

static void put_params(const Asl *a, Buf *out, const FlowWorkflow *w) {
    buf_z(out, w->nparam > 0 ? "PARAMS = [\n" : "PARAMS = [");
    for (uint32_t i = 0; i < w->nparam; i++) {
        const FlowParam *p = &a->flow->param.data[w->param + i];
        buf_z(out, "    [");
        py_string(out, atom(a, p->name));
        buf_z(out, ", ");
        py_type(out, a->flow, p->type);
        if (p->fallback != OPND_ABSENT) {
            PyExpr e = {.flow = a->flow, .out = out};
            buf_z(out, ", lambda: ");
            py_encoded(&e, p->type, p->fallback);
            py_done(&e);
        }
        buf_z(out, "],\n");
    }
    buf_z(out, "]\n\n");
}

/* The variable is there where the bucket is not known when this is written. */
static void put_store(const Asl *a, Buf *out) {
    Str bucket, prefix = STR("");
    if (!target_string(a->cx, "bucket", &bucket)) {
        buf_z(out, "STORE = os.environ[\"WF_STORE\"]  # s3://BUCKET\n\n");
        return;
    }
    target_string(a->cx, "prefix", &prefix);
    Buf uri = BUF_INIT;
    buf_printf(&uri, "s3://%.*s%s%.*s", STR_ARG(bucket), prefix.n > 0 ? "/" : "", STR_ARG(prefix));
    buf_z(out, "STORE = os.environ.get(\"WF_STORE\", ");
    py_string(out, buf_view(&uri));
    buf_z(out, ")\n\n");
    buf_free(&uri);
}

static void put_table(Buf *out, const char *name, const Buf *rows) {
    buf_printf(out, rows->n > 0 ? "%s = {\n" : "%s = {", name);
    buf_str(out, buf_view(rows));
    buf_z(out, "}\n\n");
}

void asl_module(Asl *a, EmitOut *files, Buf *out) {
    const Flow *f = a->flow;
    buf_printf(out, "\"\"\"What the states of %s.asl.json run: the steps, in containers or functions, and the expressions.\"\"\"",
               a->workflow);
    buf_addc(out, '\n');
    buf_z(out, "import math\nimport os\n\nimport wf_shim as wf\n\n");
    put_store(a, out);
    Used used = target_used(f, a->cx->workflow);
    for (uint32_t i = 0; i < f->step.len; i++)
        if (used.step[i]) put_step(a, files, out, i);
    PyExpr e = {.flow = f, .out = out};
    for (uint32_t i = 0; i < f->fn.len; i++) {
        if (!used.fn[i]) continue;
        emit_mark(files, f->fn.data[i].span);
        py_fn(&e, i, 0);
        buf_addc(out, '\n');
    }
    py_done(&e);
    used_free(&used);
    put_params(a, out, &f->workflow.data[a->cx->workflow]);
    buf_z(out, "# By call: its step, and its arguments from the values that the machine hands over.\n");
    put_table(out, "CALLS", &a->calls);
    buf_z(out, "# By state: the expression that it asks for.\n");
    put_table(out, "UNITS", &a->units);
    buf_z(out, "# By path: where it stands in the text.\n");
    put_table(out, "ORDER", &a->order);
    const FlowWorkflow *w = &f->workflow.data[a->cx->workflow];
    Buf limits = BUF_INIT;
    bool limited = py_limits_json(&limits, f, w->param, w->nparam);
    if (limited) {
        buf_z(out, "LIMITS = ");
        py_json(out, buf_view(&limits));
        buf_z(out, "\n\n");
    }
    buf_free(&limits);
    buf_printf(out, "machine = wf.Machine(STORE, PARAMS, CALLS, UNITS, ORDER%s)\n", limited ? ", LIMITS" : "");
    buf_z(out, "handler = machine.handler\n\nif __name__ == \"__main__\":\n    machine.main()\n");
}
