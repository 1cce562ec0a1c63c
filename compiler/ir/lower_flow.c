/* Lowering of what holds work: regions, their nodes, edges and captures.

   While a region is lowered its nodes have temporary numbers, in the order in which they are met. Its child regions wait in a
   queue, so that the nodes of a region stand together. When all statements are done, the nodes are sorted topologically, ties
   by the order of the text, and every operand that names one is renumbered. */
#include "compiler/ir/lowering.h"

uint32_t add_node(Lower *l, FlowNodeKind kind, Atom name, TypeId type, uint32_t ref, const Opnd *args, uint16_t n, Span span) {
    FlowNode x = {.kind = (uint8_t)kind, .name = name, .type = type, .ref = ref, .arg = l->f->opnd.len, .nargs = n};
    vec_append(&l->f->opnd, args, n);
    vec_push(&l->node, x);
    vec_push(&l->span, span);
    vec_push(&l->bound, false);
    return l->node.len - 1;
}

Opnd materialize(Lower *l, uint32_t local) {
    const Local *x = &l->s->local.data[local];
    Opnd o = l->env[local].opnd;
    uint32_t n = add_node(l, NODE_LET, x->name, x->type, 0, &o, 1, lw_span(l, ast_binding(l->ast, x->node).value));
    l->bound.data[n] = true;
    set_env(l, local, opnd(OPND_NODE, n));
    return opnd(OPND_NODE, n);
}

/* --- captures --- */

/* Whether a local is declared below `root`, whose nodes have offsets from `off` on. */
static bool declared_in(const Lower *l, uint32_t local, NodeId root, uint32_t off) {
    const Local *x = &l->s->local.data[local];
    return x->node != 0 && x->node <= root && ast_node(l->ast, x->node)->off >= off && ast_node(l->ast, x->node)->end <= ast_node(l->ast, root)->end;
}

typedef struct Seen {
    uint32_t from; /* in Lower.captured */
    uint32_t skip[3], nskip;
} Seen;

/* Adds the locals that the part uses and does not declare. One scan over its nodes. */
static void capture_uses(Lower *l, NodeId root, Seen *seen) {
    if (root == 0) return;
    uint32_t off = ast_node(l->ast, root)->off;
    for (NodeId id = root; id > 0 && ast_node(l->ast, id)->off >= off; id--) {
        if (ast_kind(l->ast, id) != AST_NAME) continue;
        Ref r = lw_ref(l, id);
        if (ref_tag(r) != REF_LOCAL) continue;
        uint32_t local = ref_index(r);
        bool known = declared_in(l, local, root, off);
        for (uint32_t i = 0; i < seen->nskip && !known; i++) known = seen->skip[i] == local;
        if (!l->env[local].set) continue;
        if (known || l->mark[local] == l->stamp) continue;
        l->mark[local] = l->stamp;
        vec_push(&l->captured, local);
    }
}

static void add_input(Lower *l, RegionId r, Atom name, TypeId type, Opnd from) {
    vec_push(&l->f->input, ((FlowInput){.name = name, .type = type, .from = from}));
    l->f->region.data[r].ninput++;
}

/* A child region of the kind, with its captures; lowered later. `parts` are the trees that it evaluates. */
static RegionId add_region(Lower *l, RegionKind kind, NodeId construct, NodeId body, TypeId type, Atom name, const NodeId *parts, uint32_t nparts,
                           const FlowInput *special, const uint32_t *special_local, uint32_t nspecial, bool optional) {
    Flow *f = l->f;
    RegionId r = f->region.len;
    FlowRegion x = {.kind = kind, .parent = l->region, .workflow = f->region.data[l->region].workflow, .name = name,
                    .span = lw_span(l, body != 0 ? body : construct)};
    vec_push(&f->region, x);
    Seen seen = {.from = l->captured.len};
    l->stamp++;
    for (uint32_t i = 0; i < nspecial; i++)
        if (special_local[i] != NONE) seen.skip[seen.nskip++] = special_local[i];
    for (uint32_t i = 0; i < nparts; i++) capture_uses(l, parts[i], &seen);
    /* Pure bindings become nodes before the inputs are written, so that those stay together. */
    for (uint32_t i = seen.from; i < l->captured.len; i++)
        if (l->env[l->captured.data[i]].loose) materialize(l, l->captured.data[i]);
    f->region.data[r].input = f->input.len;
    for (uint32_t i = 0; i < nspecial; i++) add_input(l, r, special[i].name, special[i].type, OPND_ABSENT);
    for (uint32_t i = seen.from; i < l->captured.len; i++) {
        const Local *local = &l->s->local.data[l->captured.data[i]];
        TypeId t = local->type;
        if (optional && local->kind == LOCAL_BINDING && t != T_NOTHING) t = type_opt(l->s->types, t);
        add_input(l, r, local->name, t, l->env[l->captured.data[i]].opnd);
    }
    vec_push(&l->pending, ((Pending){.region = r, .module = l->m, .body = body, .construct = construct, .type = type, .locals = seen.from,
                                     .nlocals = l->captured.len - seen.from, .special = nspecial}));
    return r;
}

/* --- constructs --- */

bool is_construct(const Lower *l, NodeId e) {
    if (!lw_flag(l, e, NF_WORK)) return false;
    switch ((int)ast_kind(l->ast, e)) {
    case AST_IF: {
        AstIf x = ast_if(l->ast, e);
        return lw_flag(l, x.then, NF_WORK) || lw_flag(l, x.otherwise, NF_WORK);
    }
    case AST_MATCH: {
        AstList arms = ast_match(l->ast, e).arms;
        AST_EACH(arms, arm) if (lw_flag(l, ast_arm(l->ast, arm).body, NF_WORK)) return true;
        return false;
    }
    case AST_FOR: return lw_flag(l, ast_for(l->ast, e).body, NF_WORK);
    case AST_REPEAT: return lw_flag(l, ast_repeat(l->ast, e).body, NF_WORK);
    case AST_TRY: return lw_flag(l, ast_try(l->ast, e).body, NF_WORK);
    case AST_CHAIN: return true;
    default: return false;
    }
}

static void own_regions(Lower *l, uint32_t node, RegionId first, uint16_t n) {
    l->node.data[node].region = first;
    l->node.data[node].nregions = n;
    for (uint16_t i = 0; i < n; i++) l->f->region.data[first + i].owner = node; /* renumbered with the nodes */
}

static Opnd const_index(Lower *l, uint32_t i) { return flow_const_int(l->f, T_INT, i); }

/* A chain of conditions as one int: the first that holds, or the last arm. */
static Opnd selector(Lower *l, const Opnd *cond, uint32_t n, Span span) {
    Opnd r = const_index(l, n - 1);
    for (uint32_t i = n - 1; i-- > 0;) r = cond[i] == OPND_ABSENT ? const_index(l, i) : op3(l, FLOW_IF, T_INT, span, cond[i], const_index(l, i), r);
    return r;
}

static Opnd lower_pick_if(Lower *l, NodeId e, TypeId type) {
    VEC(Opnd) cond = {0};
    VEC(NodeId) body = {0};
    NodeId x = e;
    for (;;) {
        AstIf i = ast_if(l->ast, x);
        vec_push(&cond, lower_root(l, i.cond, T_BOOL));
        vec_push(&body, i.then);
        x = i.otherwise;
        if (!ast_is(l->ast, x, AST_IF) || lw_flag(l, ast_if(l->ast, x).cond, NF_WORK)) break; /* a call in a later condition runs in its branch only */
    }
    vec_push(&cond, OPND_ABSENT);
    vec_push(&body, x); /* the final else, or nothing */
    Opnd sel = selector(l, cond.data, cond.len, lw_span(l, e));
    uint32_t node = add_node(l, NODE_PICK, atom_z(l->s->atoms, "if"), type, 0, &sel, 1, lw_span(l, e));
    RegionId first = l->f->region.len;
    for (uint32_t i = 0; i < body.len; i++) {
        Atom name = atom_z(l->s->atoms, i == 0 ? "then" : i + 1 == body.len ? "else" : "elif");
        add_region(l, REGION_ARM, e, body.data[i], type, name, &body.data[i], 1, NULL, NULL, 0, false);
    }
    own_regions(l, node, first, (uint16_t)body.len);
    vec_free(&cond);
    vec_free(&body);
    return opnd(OPND_NODE, node);
}

static Opnd lower_pick_match(Lower *l, NodeId e, TypeId type) {
    AstMatch x = ast_match(l->ast, e);
    TypeId st = lw_type(l, x.subject);
    Opnd subject = lower_expr(l, x.subject, T_NOTHING), name = subject;
    if (opnd_tag(subject) == OPND_EXPR) name = opnd(OPND_LOCAL, l->next_local++);
    Opnd *cond = wf_alloc((x.arms.n + 1) * sizeof *cond);
    for (uint32_t i = 0; i < x.arms.n; i++) cond[i] = arm_condition(l, ast_arm(l->ast, x.arms.at[i]), name, st);
    Opnd sel = selector(l, cond, x.arms.n, lw_span(l, e));
    free(cond);
    if (name != subject) {
        Opnd two[2] = {subject, sel};
        sel = opnd(OPND_EXPR, flow_expr(l->f, FLOW_LET, T_INT, lw_span(l, e), two, 2, opnd_index(name)));
    }
    uint32_t node = add_node(l, NODE_PICK, atom_z(l->s->atoms, "match"), type, 0, &sel, 1, lw_span(l, e));
    RegionId first = l->f->region.len;
    AST_EACH(x.arms, arm) {
        AstArm a = ast_arm(l->ast, arm);
        NodeId p = a.patterns.at[0];
        Atom arm_name = ast_is(l->ast, p, AST_NAME) ? ast_name(l->ast, p).name : ast_is(l->ast, p, AST_MEMBER) ? ast_member(l->ast, p).name : atom_z(l->s->atoms, "case");
        add_region(l, REGION_ARM, e, a.body, type, arm_name, &a.body, 1, NULL, NULL, 0, false);
    }
    own_regions(l, node, first, (uint16_t)x.arms.n);
    return opnd(OPND_NODE, node);
}

static Opnd lower_each(Lower *l, NodeId e, TypeId type) {
    AstFor x = ast_for(l->ast, e);
    NodeId source[2];
    loop_form(l, x, source);
    Opnd args[2] = {lower_expr(l, source[0], T_NOTHING), source[1] ? lower_expr(l, source[1], T_NOTHING) : OPND_ABSENT};
    uint32_t node = add_node(l, NODE_EACH, atom_z(l->s->atoms, "for"), type, 0, args, source[1] ? 2 : 1, lw_span(l, e));
    Types *t = l->s->types;
    FlowInput special[3] = {{.name = atom_z(l->s->atoms, "index"), .type = T_INT}, {.name = atom_z(l->s->atoms, "item"), .type = type_inner(t, lw_type(l, source[0]))}, {0}};
    if (source[1]) special[2] = (FlowInput){.name = atom_z(l->s->atoms, "item2"), .type = type_inner(t, lw_type(l, source[1]))};
    uint32_t vars[3] = {ref_index(lw_ref(l, x.vars.at[0])), x.vars.n > 1 ? ref_index(lw_ref(l, x.vars.at[1])) : NONE, NONE};
    NodeId parts[2] = {x.filter, x.body};
    TypeId element = lw_kind(l, type) == TY_LIST ? type_inner(t, type) : T_NOTHING;
    /* With @tolerate the element is T?, the body still gives T: the engine adds the rest. */
    if (element != T_NOTHING && lw_type(l, x.body) != T_NOTHING && lw_kind(l, element) == TY_OPT && lw_kind(l, lw_type(l, x.body)) != TY_OPT) {
        element = lw_type(l, x.body);
    }
    RegionId first = add_region(l, REGION_ITEM, e, x.body, element, 0, parts, 2, special, vars, source[1] ? 3 : 2, false);
    own_regions(l, node, first, 1);
    return opnd(OPND_NODE, node);
}

static Opnd lower_loop(Lower *l, NodeId e, TypeId type) {
    AstRepeat x = ast_repeat(l->ast, e);
    Opnd args[2] = {lower_expr(l, x.first, type), lower_expr(l, x.max, T_INT)};
    uint32_t node = add_node(l, NODE_LOOP, atom_z(l->s->atoms, "repeat"), type, 0, args, 2, lw_span(l, e));
    uint32_t state = ref_index(lw_ref(l, x.var));
    FlowInput special = {.name = l->s->local.data[state].name, .type = type};
    NodeId parts[2] = {x.until, x.body};
    RegionId first = add_region(l, REGION_PASS, e, x.body, type, 0, parts, 2, &special, &state, 1, false);
    own_regions(l, node, first, 1);
    return opnd(OPND_NODE, node);
}

static Opnd lower_try(Lower *l, NodeId e, TypeId type) {
    AstTry x = ast_try(l->ast, e);
    uint32_t node = add_node(l, NODE_TRY, atom_z(l->s->atoms, "try"), type, 0, NULL, 0, lw_span(l, e));
    uint32_t var = ref_index(lw_ref(l, x.var));
    FlowInput failure = {.name = l->s->local.data[var].name, .type = l->f->failure};
    RegionId first = add_region(l, REGION_TRIED, e, x.body, type, 0, &x.body, 1, NULL, NULL, 0, false);
    add_region(l, REGION_CAUGHT, e, x.handler, type, 0, &x.handler, 1, &failure, &var, 1, false);
    own_regions(l, node, first, 2);
    return opnd(OPND_NODE, node);
}

/* --- order --- */

typedef VEC(uint32_t) Ids;

/* The nodes that an operand refers to. */
static void nodes_of(const Lower *l, Opnd o, Ids *out) {
    if (opnd_tag(o) == OPND_NODE) {
        vec_push(out, opnd_index(o));
    } else if (opnd_tag(o) == OPND_EXPR) {
        const FlowExpr *x = &l->f->expr.data[opnd_index(o)];
        for (uint16_t i = 0; i < x->n; i++) nodes_of(l, l->f->opnd.data[x->a + i], out);
    }
}

/* Lowers one operand of a chain; the nodes that carry its work go to `out`. */
static Opnd lower_operand(Lower *l, NodeId e, TypeId want, Ids *out) {
    uint32_t first = l->node.len;
    NodeId root = e;
    while (ast_is(l->ast, root, AST_MEMBER)) root = ast_member(l->ast, root).object;
    if (ast_is(l->ast, root, AST_NAME) && ref_tag(lw_ref(l, root)) == REF_LOCAL) {
        const Env *x = &l->env[ref_index(lw_ref(l, root))];
        vec_append(out, l->work.data + x->first, x->n);
        return lower_expr(l, e, want);
    }
    Opnd o = lower_root(l, e, want);
    if (opnd_tag(o) == OPND_NODE)
        vec_push(out, opnd_index(o));
    else
        for (uint32_t n = first; n < l->node.len; n++) vec_push(out, n);
    return o;
}

static void order_nodes(Lower *l, const Ids *before, const Ids *after, Span span) {
    if (before->len > 1 && after->len > 1) { /* one gate instead of n * m edges */
        uint32_t gate = add_node(l, NODE_GATE, atom_z(l->s->atoms, "gate"), T_NOTHING, 0, NULL, 0, span);
        for (uint32_t i = 0; i < before->len; i++) vec_push(&l->order, ((FlowEdge){before->data[i], gate, EDGE_ORDER}));
        for (uint32_t i = 0; i < after->len; i++) vec_push(&l->order, ((FlowEdge){gate, after->data[i], EDGE_ORDER}));
        return;
    }
    for (uint32_t i = 0; i < before->len; i++)
        for (uint32_t k = 0; k < after->len; k++)
            if (before->data[i] != after->data[k]) vec_push(&l->order, ((FlowEdge){before->data[i], after->data[k], EDGE_ORDER}));
}

/* A chain; its value is that of the last operand. The nodes of the last part go to `last` when it is not NULL. */
static Opnd lower_chain(Lower *l, NodeId e, TypeId want, Ids *last) {
    AstList parts = ast_chain(l->ast, e).parts;
    Ids before = {0}, now = {0};
    Opnd o = OPND_ABSENT;
    for (uint32_t i = 0; i < parts.n; i++) {
        vec_clear(&now);
        if (ast_is(l->ast, parts.at[i], AST_LIST)) {
            AstList items = ast_list_expr(l->ast, parts.at[i]).items;
            AST_EACH(items, item) lower_operand(l, item, T_NOTHING, &now);
            o = OPND_ABSENT;
        } else {
            o = lower_operand(l, parts.at[i], i + 1 == parts.n ? want : T_NOTHING, &now);
        }
        order_nodes(l, &before, &now, lw_span(l, parts.at[i]));
        if (now.len == 0) continue; /* a name of an outer block, whose work is done */
        Ids swap = before;
        before = now;
        now = swap;
    }
    if (last != NULL) vec_append(last, before.data, before.len);
    vec_free(&before);
    vec_free(&now);
    return o;
}

Opnd lower_construct(Lower *l, NodeId e) {
    TypeId type = lw_type(l, e);
    switch ((int)ast_kind(l->ast, e)) {
    case AST_IF: return lower_pick_if(l, e, type);
    case AST_MATCH: return lower_pick_match(l, e, type);
    case AST_FOR: return lower_each(l, e, type);
    case AST_REPEAT: return lower_loop(l, e, type);
    case AST_TRY: return lower_try(l, e, type);
    case AST_CHAIN: return lower_chain(l, e, T_NOTHING, NULL);
    default: return OPND_ABSENT;
    }
}

/* --- statements --- */

/* The node whose name a statement gives: the call or construct that is its whole value. */
static void name_node(Lower *l, Opnd o, uint32_t first, Atom name) {
    if (opnd_tag(o) != OPND_NODE || opnd_index(o) < first) return;
    l->node.data[opnd_index(o)].name = name;
    l->bound.data[opnd_index(o)] = true;
}

static void annotate(Lower *l, Opnd o, uint32_t first, AstList annots) {
    if (annots.n == 0 || opnd_tag(o) != OPND_NODE || opnd_index(o) < first) return;
    uint32_t settings = lower_settings(l, annots);
    l->node.data[opnd_index(o)].settings = settings;
}

/* A call that is only cast to another type of the same representation is a call of that type. */
static Opnd retype(Lower *l, Opnd o, uint32_t first) {
    if (opnd_tag(o) != OPND_EXPR) return o;
    const FlowExpr *x = &l->f->expr.data[opnd_index(o)];
    Opnd inner = x->n == 1 ? l->f->opnd.data[x->a] : OPND_ABSENT;
    if (x->op != FLOW_CAST || opnd_tag(inner) != OPND_NODE || opnd_index(inner) < first) return o;
    l->node.data[opnd_index(inner)].type = x->type;
    return inner;
}

static uint16_t height_of(Lower *l, Opnd o) {
    if (opnd_tag(o) != OPND_EXPR) return 0;
    while (l->height.len < l->f->expr.len) { /* operands have lower ids */
        const FlowExpr *x = &l->f->expr.data[l->height.len];
        uint16_t h = 0;
        for (uint16_t i = 0; i < x->n; i++) {
            Opnd part = l->f->opnd.data[x->a + i];
            uint16_t below = opnd_tag(part) == OPND_EXPR ? l->height.data[opnd_index(part)] : 0;
            if (below > h) h = below;
        }
        vec_push(&l->height, (uint16_t)(h + 1));
    }
    return l->height.data[opnd_index(o)];
}

/* A binding without work: an operand, or an expression that its only user may take in. High ones are nodes, so that what walks
   expressions does not run out of stack on a long chain of bindings. */
static void lower_pure_binding(Lower *l, uint32_t local, NodeId value) {
    enum { HEIGHT_MAX = 64 };
    uint32_t next = l->next_local;
    unsigned loops = l->loops;
    l->next_local = 0;
    l->loops = 0;
    Opnd o = lower_expr(l, value, l->s->local.data[local].type);
    uint32_t locals = l->next_local;
    l->next_local = next;
    l->loops = loops;
    set_env(l, local, o);
    l->env[local].loose = opnd_tag(o) == OPND_EXPR;
    l->env[local].locals = locals;
    if (height_of(l, o) > HEIGHT_MAX) materialize(l, local);
}

static void lower_binding(Lower *l, NodeId stmt) {
    AstBinding b = ast_binding(l->ast, stmt);
    uint32_t local = ref_index(lw_ref(l, stmt)), first = l->node.len;
    const Local x = l->s->local.data[local];
    if (!lw_flag(l, b.value, NF_WORK)) {
        if (x.used) lower_pure_binding(l, local, b.value);
        return;
    }
    uint32_t work = l->work.len;
    Opnd o;
    Ids last = {0};
    if (ast_is(l->ast, b.value, AST_CHAIN)) {
        o = lower_chain(l, b.value, T_NOTHING, &last);
        o = convert(l, o, lw_type(l, b.value), x.type, lw_span(l, b.value));
    } else {
        o = retype(l, lower_root(l, b.value, x.type), first);
        name_node(l, o, first, b.name);
        annotate(l, o, first, b.annots);
        nodes_of(l, o, &last);
    }
    if (opnd_tag(o) == OPND_EXPR && x.used) { /* shared, so that it is computed once */
        uint32_t n = add_node(l, NODE_LET, b.name, x.type, 0, &o, 1, lw_span(l, b.value));
        l->bound.data[n] = true;
        o = opnd(OPND_NODE, n);
    }
    vec_append(&l->work, last.data, last.len);
    set_env(l, local, o);
    l->env[local].first = work;
    l->env[local].n = last.len;
    vec_free(&last);
}

/* The statements of a block, in the order of their data. Gives the operand of the block's value, or of `return`. */
static Opnd lower_statements(Lower *l, NodeId block, TypeId want) {
    AstList stmts = ast_block(l->ast, block).body;
    const uint32_t *order = l->s->order.data[ref_index(lw_ref(l, block))];
    NodeId last = 0;
    AST_EACH(stmts, stmt) if (!ast_is(l->ast, stmt, AST_HANDLER)) last = stmt;
    Opnd result = OPND_ABSENT;
    for (uint32_t i = 0; i < stmts.n; i++) {
        NodeId stmt = stmts.at[order[i]];
        uint32_t first = l->node.len;
        switch ((int)ast_kind(l->ast, stmt)) {
        case AST_BINDING: lower_binding(l, stmt); break;
        case AST_EXPR_STMT: {
            AstExprStmt x = ast_expr_stmt(l->ast, stmt);
            bool value = stmt == last && want != T_NOTHING;
            if (!value && !lw_flag(l, x.value, NF_WORK)) break;
            Opnd o = lower_root(l, x.value, value ? want : T_NOTHING);
            annotate(l, o, first, x.annots);
            if (value) result = o;
            break;
        }
        case AST_RETURN:
            result = lower_root(l, ast_return(l->ast, stmt).value, want);
            annotate(l, result, first, ast_return(l->ast, stmt).annots);
            break;
        default: break;
        }
    }
    return result;
}

/* --- numbering --- */

static Opnd renumber(Opnd o, const uint32_t *id) { return opnd_tag(o) == OPND_NODE ? opnd(OPND_NODE, id[opnd_index(o)]) : o; }

/* Data edges of a node: its operands, what its children capture, its settings. */
static void add_data_edges(Lower *l, uint32_t n, Ids *scratch) {
    Flow *f = l->f;
    const FlowNode *x = &l->node.data[n];
    vec_clear(scratch);
    for (uint16_t i = 0; i < x->nargs; i++) nodes_of(l, f->opnd.data[x->arg + i], scratch);
    for (uint16_t r = 0; r < x->nregions; r++) {
        const FlowRegion *region = &f->region.data[x->region + r];
        for (uint32_t i = 0; i < region->ninput; i++) nodes_of(l, f->input.data[region->input + i].from, scratch);
    }
    const FlowSettings *s = &f->settings.data[x->settings];
    for (uint32_t i = 0; i < s->n; i++) nodes_of(l, f->setting.data[s->first + i].value, scratch);
    for (uint32_t i = 0; i < scratch->len; i++) vec_push(&l->order, ((FlowEdge){scratch->data[i], n, EDGE_DATA}));
}

typedef struct Heap {
    VEC(uint64_t) at; /* offset in the text << 32 | node */
} Heap;

static void heap_push(Heap *h, uint64_t x) {
    vec_push(&h->at, x);
    for (uint32_t i = h->at.len - 1; i > 0 && h->at.data[(i - 1) / 2] > h->at.data[i]; i = (i - 1) / 2) {
        uint64_t t = h->at.data[i];
        h->at.data[i] = h->at.data[(i - 1) / 2];
        h->at.data[(i - 1) / 2] = t;
    }
}

static uint32_t heap_pop(Heap *h) {
    uint64_t top = h->at.data[0], x = vec_pop(&h->at);
    uint32_t n = h->at.len, i = 0;
    if (n > 0) {
        for (;;) {
            uint32_t c = 2 * i + 1;
            if (c >= n) break;
            if (c + 1 < n && h->at.data[c + 1] < h->at.data[c]) c++;
            if (h->at.data[c] >= x) break;
            h->at.data[i] = h->at.data[c];
            i = c;
        }
        h->at.data[i] = x;
    }
    return (uint32_t)top;
}

/* Kahn's algorithm with a heap by place in the text: id[temporary] is the position. O(n log n + edges). */
static void sort_nodes(const Lower *l, uint32_t *id) {
    uint32_t n = l->node.len;
    uint32_t *waits = wf_alloc_zero(((size_t)n + 1) * sizeof *waits), *at = wf_alloc_zero(((size_t)n + 2) * sizeof *at);
    uint32_t *out = wf_alloc(((size_t)l->order.len + 1) * sizeof *out);
    for (uint32_t i = 0; i < l->order.len; i++) waits[l->order.data[i].to]++, at[l->order.data[i].from + 1]++;
    for (uint32_t v = 0; v < n; v++) at[v + 1] += at[v];
    uint32_t *fill = wf_alloc(((size_t)n + 1) * sizeof *fill);
    memcpy(fill, at, ((size_t)n + 1) * sizeof *fill);
    for (uint32_t i = 0; i < l->order.len; i++) out[fill[l->order.data[i].from]++] = l->order.data[i].to;
    Heap h = {0};
    for (uint32_t v = 0; v < n; v++)
        if (waits[v] == 0) heap_push(&h, (uint64_t)l->span.data[v].off << 32 | v);
    uint32_t next = 0;
    while (h.at.len > 0) {
        uint32_t v = heap_pop(&h);
        id[v] = next++;
        for (uint32_t k = at[v]; k < at[v + 1]; k++)
            if (--waits[out[k]] == 0) heap_push(&h, (uint64_t)l->span.data[out[k]].off << 32 | out[k]);
    }
    vec_free(&h.at);
    free(waits);
    free(at);
    free(out);
    free(fill);
}

/* Names of nodes without a binding: the callee's, then with _2, _3 in the order of the text. Bound names stay. */
static void name_nodes(Lower *l, const uint32_t *id) {
    uint32_t n = l->node.len;
    uint32_t *by_place = wf_alloc(((size_t)n + 1) * sizeof *by_place);
    for (uint32_t v = 0; v < n; v++) by_place[id[v]] = v;
    Atoms taken;
    atoms_init(&taken); /* names of this region; private, so that it is forgotten with it */
    for (uint32_t v = 0; v < n; v++)
        if (l->bound.data[v]) atom_of(&taken, atom_str(l->s->atoms, l->node.data[v].name));
    uint32_t *next = NULL; /* by atom of `taken`: the number to try next */
    uint32_t nnext = 0;
    for (uint32_t i = 0; i < n; i++) {
        FlowNode *x = &l->node.data[by_place[i]];
        if (l->bound.data[by_place[i]]) continue;
        Str base = atom_str(l->s->atoms, x->name);
        bool free_name = atom_find(&taken, base) == 0;
        Atom a = atom_of(&taken, base);
        if (taken.n > nnext) {
            next = wf_realloc(next, (size_t)taken.n * 2 * sizeof *next);
            for (uint32_t k = nnext; k < taken.n * 2; k++) next[k] = 2;
            nnext = taken.n * 2;
        }
        if (free_name) continue;
        Buf b = BUF_INIT;
        do {
            buf_clear(&b);
            buf_printf(&b, "%.*s_%u", STR_ARG(base), next[a]++);
        } while (atom_find(&taken, buf_view(&b)) != 0);
        atom_of(&taken, buf_view(&b));
        x->name = atom_of(l->s->atoms, buf_view(&b));
        buf_free(&b);
    }
    free(next);
    free(by_place);
    atoms_free(&taken);
}

/* Gives the region's nodes their final ids and appends them to the flow. */
static void finish_region(Lower *l) {
    Flow *f = l->f;
    uint32_t n = l->node.len, first = f->node.len;
    Ids scratch = {0};
    for (uint32_t v = 0; v < n; v++) add_data_edges(l, v, &scratch);
    vec_free(&scratch);
    uint32_t *id = wf_alloc(((size_t)n + 1) * sizeof *id);
    sort_nodes(l, id);
    name_nodes(l, id);
    for (uint32_t v = 0; v < n; v++) id[v] += first;
    vec_reserve(&f->node, n);
    vec_reserve(&f->node_span, n);
    f->node.len += n;
    f->node_span.len += n;
    for (uint32_t v = 0; v < n; v++) {
        f->node.data[id[v]] = l->node.data[v];
        f->node_span.data[id[v]] = l->span.data[v];
        for (uint16_t r = 0; r < l->node.data[v].nregions; r++) f->region.data[l->node.data[v].region + r].owner = id[v];
    }
    for (uint32_t i = l->opnd_from; i < f->opnd.len; i++) f->opnd.data[i] = renumber(f->opnd.data[i], id);
    for (uint32_t i = l->input_from; i < f->input.len; i++) f->input.data[i].from = renumber(f->input.data[i].from, id);
    for (uint32_t v = 0; v < n; v++) {
        const FlowSettings *s = &f->settings.data[l->node.data[v].settings];
        for (uint32_t i = 0; i < s->n; i++) f->setting.data[s->first + i].value = renumber(f->setting.data[s->first + i].value, id);
    }
    FlowRegion *r = &f->region.data[l->region];
    r->first = first;
    r->n = n;
    r->result = renumber(r->result, id);
    r->guard = renumber(r->guard, id);
    for (uint32_t i = 0; i < l->order.len; i++) vec_push(&f->edge, ((FlowEdge){id[l->order.data[i].from], id[l->order.data[i].to], l->order.data[i].kind}));
    free(id);
    vec_clear(&l->node);
    vec_clear(&l->span);
    vec_clear(&l->bound);
    vec_clear(&l->order);
    vec_clear(&l->work);
}

/* Names of the region's inputs: what is captured, and what the engine puts there. */
static void bind_inputs(Lower *l, const Pending *p) {
    Flow *f = l->f;
    for (uint32_t i = 0; i < p->nlocals; i++) set_env(l, l->captured.data[p->locals + i], opnd(OPND_INPUT, p->special + i));
    if (p->construct == 0) return;
    switch (f->region.data[p->region].kind) {
    case REGION_ITEM: {
        AstFor x = ast_for(l->ast, p->construct);
        NodeId source[2];
        LoopForm form = loop_form(l, x, source);
        bind_loop_vars(l, x, form, opnd(OPND_INPUT, 0), opnd(OPND_INPUT, 1), opnd(OPND_INPUT, 2));
        if (x.filter != 0) {
            Opnd guard = lower_root(l, x.filter, T_BOOL);
            f->region.data[p->region].guard = guard;
        }
        return;
    }
    case REGION_PASS: {
        AstRepeat x = ast_repeat(l->ast, p->construct);
        set_env(l, ref_index(lw_ref(l, x.var)), opnd(OPND_INPUT, 0));
        Opnd guard = lower_root(l, x.until, T_BOOL);
        f->region.data[p->region].guard = guard;
        return;
    }
    case REGION_CAUGHT: set_env(l, ref_index(lw_ref(l, ast_try(l->ast, p->construct).var)), opnd(OPND_INPUT, 0)); return;
    case REGION_HANDLER: {
        NodeId var = ast_handler(l->ast, p->construct).var;
        if (var != 0) set_env(l, ref_index(lw_ref(l, var)), opnd(OPND_INPUT, 0));
        return;
    }
    case REGION_BODY:
    case REGION_ARM:
    case REGION_TRIED: return;
    }
}

static void add_handlers(Lower *l, uint32_t workflow, NodeId block) {
    AstList stmts = ast_block(l->ast, block).body;
    AST_EACH(stmts, stmt) {
        if (!ast_is(l->ast, stmt, AST_HANDLER)) continue;
        AstHandler h = ast_handler(l->ast, stmt);
        Str event = atom_str(l->s->atoms, h.event);
        bool failure = str_is(event, "failure"), success = str_is(event, "success");
        FlowInput special = {.name = atom_z(l->s->atoms, "failure"), .type = l->f->failure};
        uint32_t var = h.var != 0 ? ref_index(lw_ref(l, h.var)) : NONE;
        RegionId r = add_region(l, REGION_HANDLER, stmt, h.body, T_NOTHING, h.event, &h.body, 1, &special, &var, failure ? 1 : 0, !success);
        FlowWorkflow *w = &l->f->workflow.data[workflow];
        if (failure) w->on_failure = r;
        else if (success) w->on_success = r;
        else w->finally = r;
    }
}

static void lower_region(Lower *l, const Pending *p) {
    Flow *f = l->f;
    l->m = p->module;
    l->ast = &l->s->module.data[p->module].ast;
    l->region = p->region;
    l->opnd_from = f->opnd.len;
    l->input_from = f->input.len;
    l->next_local = 0;
    l->loops = 0;
    bind_inputs(l, p);
    bool is_body = f->region.data[p->region].kind == REGION_BODY;
    Opnd result = OPND_ABSENT;
    if (ast_is(l->ast, p->body, AST_BLOCK))
        result = lower_statements(l, p->body, p->type);
    else if (p->body != 0)
        result = lower_root(l, p->body, p->type);
    else if (lw_kind(l, p->type) == TY_OPT)
        result = flow_const_none(f, p->type);
    if (p->type != T_NOTHING && lw_kind(l, p->type) != TY_NEVER) {
        /* A block ends with its own type where that is narrower than the construct's. */
        f->region.data[p->region].result = result;
    }
    if (is_body) add_handlers(l, f->region.data[p->region].workflow, p->body);
    finish_region(l);
}

void lower_pending(Lower *l) {
    for (uint32_t i = 0; i < l->pending.len; i++) {
        Pending p = l->pending.data[i];
        lower_region(l, &p);
    }
    vec_clear(&l->pending);
}
