/* @schedule as a schedule of EventBridge Scheduler, in the form of its CreateSchedule. */
#include "compiler/backend/stepfunctions/asl.h"

#include <stdlib.h>
#include <strings.h>

typedef struct Field {
    unsigned min, max;
    const char *words; /* three letters each, from min on */
} Field;

static const Field fields[5] = {{0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL}, {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                {0, 7, "sunmontuewedthufrisat"}};

static unsigned number(const Field *f, Str *in) {
    unsigned n = 0;
    for (unsigned i = 0; f->words != NULL && in->n >= 3 && f->words[i * 3] != '\0'; i++)
        if (strncasecmp(f->words + i * (size_t)3, in->p, 3) == 0) {
            in->p += 3;
            in->n -= 3;
            return f->min + i;
        }
    for (; in->n > 0 && in->p[0] >= '0' && in->p[0] <= '9'; in->p++, in->n--) n = n * 10 + (unsigned)(in->p[0] - '0');
    return n;
}

static bool skip(Str *in, char c) {
    if (in->n == 0 || in->p[0] != c) return false;
    in->p++;
    in->n--;
    return true;
}

/* The values of a field that the checks have found right, as bits. */
static uint64_t values(const Field *f, Str in) {
    uint64_t bits = 0;
    do {
        unsigned from = f->min, to = f->max, step = 1;
        bool star = skip(&in, '*');
        if (!star) {
            to = from = number(f, &in);
            if (skip(&in, '-')) to = number(f, &in);
        }
        if (skip(&in, '/')) {
            step = number(&(Field){0, 99, NULL}, &in);
            if (!star && to == from) to = f->max;
        }
        for (unsigned v = from; v <= to; v += step) bits |= UINT64_C(1) << v;
    } while (skip(&in, ','));
    return bits;
}

static uint64_t all(const Field *f) { return ((UINT64_C(1) << (f->max - f->min + 1)) - 1) << f->min; }

typedef struct Cron {
    uint64_t bits[5];
    bool any[5];
} Cron;

static Cron cron_of(Str text) {
    static const struct {
        const char *name, *cron;
    } names[] = {{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                 {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(text, names[i].name)) text = str_of(names[i].cron);
    Cron c = {0};
    for (int i = 0; i < 5; i++) {
        while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) text.p++, text.n--;
        size_t n = 0;
        while (n < text.n && text.p[n] != ' ' && text.p[n] != '\t') n++;
        c.bits[i] = values(&fields[i], (Str){text.p, n});
        if (i == 4 && (c.bits[4] >> 7 & 1)) c.bits[4] |= 1; /* 7 is Sunday too */
        c.any[i] = i == 4 ? (c.bits[4] & 0x7F) == 0x7F : c.bits[i] == all(&fields[i]);
        text.p += n;
        text.n -= n;
    }
    return c;
}

static void put_cron(Buf *out, const Cron *c) {
    static const char *const days[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
    buf_z(out, "cron(");
    for (int i = 0; i < 5; i++) {
        if (i > 0) buf_addc(out, ' ');
        /* One of the two kinds of days must be `?`. */
        if ((i == 4 && c->any[4]) || (i == 2 && c->any[2] && !c->any[4])) {
            buf_addc(out, '?');
            continue;
        }
        if (c->any[i]) {
            buf_addc(out, '*');
            continue;
        }
        bool some = false;
        for (unsigned v = fields[i].min; v <= (i == 4 ? 6 : fields[i].max); v++) {
            if (!(c->bits[i] >> v & 1)) continue;
            if (some) buf_addc(out, ',');
            if (i == 4) buf_z(out, days[v]);
            else buf_printf(out, "%u", v);
            some = true;
        }
    }
    buf_z(out, " *)");
}

static const FlowConst *constant(const Flow *f, const FlowSetting *y) {
    return y != NULL && opnd_tag(y->value) == OPND_CONST ? &f->constant.data[opnd_index(y->value)] : NULL;
}

/* What EventBridge Scheduler replaces in the input begins so. */
#define FILLED "<aws.scheduler."

/* The parameters as JSON; false when they are not constants. */
static bool put_input(Asl *a, Buf *out, const FlowSetting *with) {
    buf_z(out, "{\"@scheduled_at\":\"" FILLED "scheduled-time>\"");
    const Flow *f = a->flow;
    Opnd o = with != NULL ? with->value : OPND_ABSENT;
    const FlowExpr *x = opnd_tag(o) == OPND_EXPR ? &f->expr.data[opnd_index(o)] : NULL;
    if (x != NULL && x->op == FLOW_ENCODE) o = flow_opnds(f, x->a)[0];
    x = opnd_tag(o) == OPND_EXPR ? &f->expr.data[opnd_index(o)] : NULL;
    bool ok = with == NULL || (x != NULL && x->op == FLOW_RECORD);
    uint32_t n;
    const TypeField *field = ok && x != NULL ? type_fields(f->types, x->type, &n) : NULL;
    static const Scope nowhere = {0};
    for (uint16_t i = 0; ok && x != NULL && i < x->n; i++) {
        Buf one = BUF_INIT, before = a->json;
        a->json = one;
        JsonOut j = json_open(&a->json, '{');
        ok = asl_field(a, &nowhere, &j, atom_cstr(f->atoms, field[i].name), flow_opnds(f, x->a)[i]);
        one = a->json;
        a->json = before;
        if (ok) {
            buf_addc(out, ',');
            buf_add(out, one.p + 1, one.n - 1);
        }
        buf_free(&one);
    }
    buf_addc(out, '}');
    return ok;
}

static const FlowSettings *settings_of(const TargetCx *cx) {
    return &cx->flow->settings.data[cx->flow->workflow.data[cx->workflow].settings];
}

static void refuse(TargetCx *cx, const FlowSetting *y, const char *what, const char *help) {
    diag_help(cx->diags, diag_add(cx->diags, WF_E_target_limit, y->span, "%s", what), "%s", help);
}

void asl_check_schedule(TargetCx *cx) {
    const Flow *f = cx->flow;
    const FlowSettings *s = settings_of(cx);
    uint32_t schedules = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const FlowSetting *y = &f->setting.data[s->first + i];
        const FlowConst *x = constant(f, y);
        if (y->key == SET_SCHEDULE && x != NULL) {
            Cron c = cron_of(x->s);
            static const char two[] = "write two workflows that call the same one";
            if (!c.any[2] && !c.any[4]) refuse(cx, y, "EventBridge takes days of the month or days of the week, not both", two);
            if (schedules++ > 0) refuse(cx, y, "Step Functions gets one schedule of a workflow", two);
        }
        if (y->key == SET_SCHEDULE_CATCHUP && x != NULL && x->i)
            refuse(cx, y, "EventBridge does not start what was missed", "leave `catchup` out");
        if (y->key != SET_SCHEDULE_WITH) continue;
        Asl a = {.cx = cx, .flow = f};
        Buf out = BUF_INIT;
        bool constants = put_input(&a, &out, y);
        if (constants && strstr(strstr(buf_cstr(&out), FILLED) + 1, FILLED) != NULL)
            refuse(cx, y, "EventBridge would put something else in place of `" FILLED "...`", "leave this text out");
        if (!constants) refuse(cx, y, "EventBridge needs constants here", "write the values of `with` as constants");
        buf_free(&out);
        arena_free(&a.arena);
    }
}

bool asl_schedule(Asl *a, Buf *out) {
    const Flow *f = a->flow;
    uint32_t settings = f->workflow.data[a->cx->workflow].settings;
    const FlowConst *cron = constant(f, flow_setting(f, settings, SET_SCHEDULE));
    const FlowConst *zone = constant(f, flow_setting(f, settings, SET_SCHEDULE_TIMEZONE));
    if (cron == NULL) return false;
    Cron c = cron_of(cron->s);
    Buf text = BUF_INIT;
    put_cron(&text, &c);
    JsonOut j = json_open(out, '{');
    json_key(&j, "Name");
    json_z(out, a->workflow);
    json_key(&j, "ScheduleExpression");
    json_z(out, buf_cstr(&text));
    buf_clear(&text);
    json_key(&j, "ScheduleExpressionTimezone");
    json_string(out, zone != NULL ? zone->s : STR("UTC"));
    json_key(&j, "FlexibleTimeWindow");
    buf_z(out, "{\"Mode\":\"OFF\"}");
    json_key(&j, "Target");
    JsonOut target = json_open(out, '{');
    Str arn = STR("${state_machine}"), role = STR("${schedule_role}");
    target_string(a->cx, "state_machine", &arn);
    target_string(a->cx, "schedule_role", &role);
    json_key(&target, "Arn");
    json_string(out, arn);
    json_key(&target, "RoleArn");
    json_string(out, role);
    json_key(&target, "Input");
    put_input(a, &text, flow_setting(f, settings, SET_SCHEDULE_WITH));
    json_string(out, buf_view(&text));
    json_close(&target);
    json_close(&j);
    buf_free(&text);
    return true;
}
