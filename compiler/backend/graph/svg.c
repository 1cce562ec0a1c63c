/* Pictures as SVG. Regions are laid out from the inside out: a node with child regions is a box that holds their pictures. */
#include "compiler/backend/graph/graph.h"

#include <math.h>
#include <stdlib.h>

static const double PAD = 14, GAP_X = 26, GAP_Y = 34, LINE = 17, CHAR_W = 8;
enum { SWEEPS = 8 };

typedef struct Box {
    double x, y, w, h; /* of a node: relative to its region; y down */
    double below;      /* of a node: from its lower edge to that of its row */
    uint32_t layer;
} Box;

typedef struct Picture {
    const Flow *f;
    Box *node;   /* by NodeId */
    Box *region; /* by RegionId: size; position relative to its owner's box */
} Picture;

/* --- one region --- */

typedef struct Layers {
    VEC(NodeId) node;   /* shown nodes, by layer and order in it */
    VEC(uint32_t) at;   /* first of each layer in node; one more at the end */
    NodeId **before;    /* by node - first */
    uint32_t *nbefore;
    double *place;      /* by node - first: order or wished order within the layer */
    NodeId first;
    uint32_t n;
} Layers;

static int compare_place(const void *a, const void *b, void *cx) {
    const Layers *l = cx;
    NodeId x = *(const NodeId *)a, y = *(const NodeId *)b;
    double px = l->place[x - l->first], py = l->place[y - l->first];
    if (px < py || px > py) return px < py ? -1 : 1;
    return x < y ? -1 : x > y; /* ties keep the order of the text */
}

static void make_layers(Picture *p, const FlowRegion *r, Layers *l) {
    *l = (Layers){.first = r->first, .n = r->n};
    l->before = wf_alloc_zero((r->n + 1) * sizeof *l->before);
    l->nbefore = wf_alloc_zero((r->n + 1) * sizeof *l->nbefore);
    l->place = wf_alloc_zero((r->n + 1) * sizeof *l->place);
    uint32_t nlayers = 0;
    for (NodeId n = r->first; n < r->first + r->n; n++) {
        if (!graph_shown(p->f, n)) continue;
        uint32_t i = n - r->first, layer = 0;
        l->before[i] = graph_before(p->f, n, &l->nbefore[i]);
        for (uint32_t k = 0; k < l->nbefore[i]; k++)
            if (p->node[l->before[i][k]].layer + 1 > layer) layer = p->node[l->before[i][k]].layer + 1;
        p->node[n].layer = layer;
        if (layer + 1 > nlayers) nlayers = layer + 1;
    }
    uint32_t *count = wf_alloc_zero((nlayers + 2) * sizeof *count), shown = 0;
    for (NodeId n = r->first; n < r->first + r->n; n++)
        if (graph_shown(p->f, n)) count[p->node[n].layer + 1]++, shown++;
    for (uint32_t k = 0; k < nlayers; k++) count[k + 1] += count[k];
    for (uint32_t k = 0; k <= nlayers; k++) vec_push(&l->at, count[k]);
    vec_reserve(&l->node, shown + 1);
    l->node.len = shown;
    for (NodeId n = r->first; n < r->first + r->n; n++) {
        if (!graph_shown(p->f, n)) continue;
        uint32_t layer = p->node[n].layer;
        l->place[n - r->first] = count[layer] - l->at.data[layer];
        l->node.data[count[layer]++] = n;
    }
    free(count);
}

static void free_layers(Layers *l) {
    for (uint32_t i = 0; i < l->n; i++) free(l->before[i]);
    free(l->before);
    free(l->nbefore);
    free(l->place);
    vec_free(&l->node);
    vec_free(&l->at);
}

/* Each layer is ordered by the mean place of what comes before it; every second sweep by what comes after. */
static void order_layers(Layers *l) {
    double *sum = wf_alloc((l->n + 1) * sizeof *sum);
    uint32_t *n = wf_alloc((l->n + 1) * sizeof *n);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        for (uint32_t i = 0; i < l->n; i++) sum[i] = 0, n[i] = 0;
        for (uint32_t i = 0; i < l->node.len; i++) {
            NodeId x = l->node.data[i];
            for (uint32_t k = 0; k < l->nbefore[x - l->first]; k++) {
                NodeId b = l->before[x - l->first][k], from = sweep % 2 ? x : b, to = sweep % 2 ? b : x;
                sum[to - l->first] += l->place[from - l->first];
                n[to - l->first]++;
            }
        }
        for (uint32_t i = 0; i < l->n; i++)
            if (n[i] > 0) l->place[i] = sum[i] / n[i];
        for (uint32_t k = 0; k + 1 < l->at.len; k++) {
            NodeId *row = l->node.data + l->at.data[k];
            uint32_t m = l->at.data[k + 1] - l->at.data[k];
            qsort_r(row, m, sizeof *row, compare_place, l);
            for (uint32_t i = 0; i < m; i++) l->place[row[i] - l->first] = i;
        }
    }
    free(sum);
    free(n);
}

/* Moves the nodes of a row as near to the wished centres as their widths and order allow: from the left, then from the right. */
static void place_row(Picture *p, const NodeId *row, uint32_t m, const double *wish, NodeId first) {
    for (uint32_t i = 0; i < m; i++) {
        Box *b = &p->node[row[i]];
        double least = i == 0 ? -1e9 : p->node[row[i - 1]].x + p->node[row[i - 1]].w + GAP_X;
        b->x = fmax(wish[row[i] - first] - b->w / 2, least);
    }
    for (uint32_t i = m; i-- > 0;) {
        Box *b = &p->node[row[i]];
        double most = i + 1 == m ? 1e9 : p->node[row[i + 1]].x - GAP_X - b->w, want = wish[row[i] - first] - b->w / 2;
        double least = i == 0 ? -1e9 : p->node[row[i - 1]].x + p->node[row[i - 1]].w + GAP_X;
        if (b->x > want) b->x = fmin(fmax(want, least), most);
    }
}

/* Rows side by side, centred on 0. */
static void spread_rows(Picture *p, const Layers *l) {
    for (uint32_t k = 0; k + 1 < l->at.len; k++) {
        double width = -GAP_X;
        for (uint32_t i = l->at.data[k]; i < l->at.data[k + 1]; i++) width += p->node[l->node.data[i]].w + GAP_X;
        double x = -width / 2;
        for (uint32_t i = l->at.data[k]; i < l->at.data[k + 1]; i++) {
            p->node[l->node.data[i]].x = x;
            x += p->node[l->node.data[i]].w + GAP_X;
        }
    }
}

static double centre(const Picture *p, NodeId n) { return p->node[n].x + p->node[n].w / 2; }

/* Up: each node is moved towards the mean of what comes after it. */
static void place_up(Picture *p, Layers *l, double *wish, uint32_t *n) {
    for (uint32_t i = 0; i < l->n; i++) wish[i] = 0, n[i] = 0;
    for (uint32_t i = 0; i < l->node.len; i++) {
        NodeId x = l->node.data[i];
        for (uint32_t k = 0; k < l->nbefore[x - l->first]; k++) {
            NodeId b = l->before[x - l->first][k];
            wish[b - l->first] += centre(p, x);
            n[b - l->first]++;
        }
    }
    for (uint32_t i = 0; i < l->node.len; i++) {
        uint32_t x = l->node.data[i] - l->first;
        wish[x] = n[x] > 0 ? wish[x] / n[x] : centre(p, l->node.data[i]);
    }
    for (uint32_t k = l->at.len - 1; k-- > 0;) place_row(p, l->node.data + l->at.data[k], l->at.data[k + 1] - l->at.data[k], wish, l->first);
}

/* Down: each node is moved towards the mean of what comes before it, which is in its place already. */
static void place_down(Picture *p, Layers *l, double *wish) {
    for (uint32_t k = 0; k + 1 < l->at.len; k++) {
        for (uint32_t i = l->at.data[k]; i < l->at.data[k + 1]; i++) {
            NodeId x = l->node.data[i];
            uint32_t m = l->nbefore[x - l->first];
            double sum = m == 0 ? centre(p, x) : 0;
            for (uint32_t b = 0; b < m; b++) sum += centre(p, l->before[x - l->first][b]);
            wish[x - l->first] = m == 0 ? sum : sum / m;
        }
        place_row(p, l->node.data + l->at.data[k], l->at.data[k + 1] - l->at.data[k], wish, l->first);
    }
}

static void place_layers(Picture *p, Layers *l) {
    double *wish = wf_alloc((l->n + 1) * sizeof *wish);
    uint32_t *n = wf_alloc((l->n + 1) * sizeof *n);
    spread_rows(p, l);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        place_up(p, l, wish, n);
        place_down(p, l, wish);
    }
    free(wish);
    free(n);
}

static void size_region(Picture *p, RegionId id);

static void size_node(Picture *p, NodeId n) {
    const FlowNode *x = &p->f->node.data[n];
    Box *b = &p->node[n];
    Buf callee = BUF_INIT;
    graph_callee(&callee, p->f, n);
    size_t name = strlen(graph_name(p->f, n)), text = name > callee.n ? name : callee.n;
    buf_free(&callee);
    b->w = (double)text * CHAR_W + 2 * PAD;
    b->h = 2 * LINE + PAD;
    double at = PAD, tall = 0;
    for (uint16_t i = 0; i < x->nregions; i++) {
        RegionId r = x->region + i;
        if (p->f->region.data[r].n == 0) continue;
        size_region(p, r);
        p->region[r].x = at;
        p->region[r].y = b->h;
        at += p->region[r].w + PAD;
        tall = fmax(tall, p->region[r].h);
    }
    if (tall <= 0) return;
    b->w = fmax(b->w, at);
    b->h += tall + PAD;
}

static void size_region(Picture *p, RegionId id) {
    const FlowRegion *r = &p->f->region.data[id];
    Layers l;
    make_layers(p, r, &l);
    for (uint32_t i = 0; i < l.node.len; i++) size_node(p, l.node.data[i]);
    order_layers(&l);
    place_layers(p, &l);
    double left = 0, right = 0, y = LINE + PAD;
    for (uint32_t i = 0; i < l.node.len; i++) {
        const Box *b = &p->node[l.node.data[i]];
        left = i == 0 ? b->x : fmin(left, b->x);
        right = i == 0 ? b->x + b->w : fmax(right, b->x + b->w);
    }
    for (uint32_t k = 0; k + 1 < l.at.len; k++) {
        double tall = 0;
        for (uint32_t i = l.at.data[k]; i < l.at.data[k + 1]; i++) {
            Box *b = &p->node[l.node.data[i]];
            b->x += PAD - left;
            b->y = y;
            tall = fmax(tall, b->h);
        }
        for (uint32_t i = l.at.data[k]; i < l.at.data[k + 1]; i++) p->node[l.node.data[i]].below = tall - p->node[l.node.data[i]].h;
        y += tall + GAP_Y;
    }
    Box *b = &p->region[id];
    b->w = fmax(right - left, (double)strlen(graph_region_label(p->f, id)) * CHAR_W) + 2 * PAD;
    b->h = y - (l.node.len > 0 ? GAP_Y : 0) + PAD;
    free_layers(&l);
}

/* --- writing --- */

static void xml_text(Buf *out, Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '<') buf_z(out, "&lt;");
        else if (c == '&') buf_z(out, "&amp;");
        else if (c == '>') buf_z(out, "&gt;");
        else if (c == '"') buf_z(out, "&quot;");
        else buf_addc(out, c);
    }
}

static void svg_text(Buf *out, double x, double y, const char *class, const char *anchor, Str s) {
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class, anchor);
    xml_text(out, s);
    buf_z(out, "</text>\n");
}

static void svg_rect(Buf *out, double x, double y, const Box *b, int radius, const char *class) {
    buf_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\" class=\"%s\"/>\n", x, y, b->w, b->h, radius, class);
}

static void write_region(Buf *out, Picture *p, RegionId id, double ox, double oy);

static void write_node(Buf *out, Picture *p, NodeId n, double ox, double oy) {
    const FlowNode *x = &p->f->node.data[n];
    const Box *b = &p->node[n];
    double left = ox + b->x, top = oy + b->y, middle = left + b->w / 2;
    svg_rect(out, left, top, b, 7, x->nregions > 0 ? "block" : "call");
    Buf callee = BUF_INIT;
    graph_callee(&callee, p->f, n);
    svg_text(out, middle, top + LINE + 1, "name", "middle", str_of(graph_name(p->f, n)));
    svg_text(out, middle, top + 2 * LINE, "callee", "middle", buf_view(&callee));
    buf_free(&callee);
    for (uint16_t i = 0; i < x->nregions; i++) {
        RegionId r = x->region + i;
        if (p->f->region.data[r].n > 0) write_region(out, p, r, left + p->region[r].x, top + p->region[r].y);
    }
}

static void write_edges(Buf *out, Picture *p, NodeId n, double ox, double oy) {
    uint32_t k;
    NodeId *before = graph_before(p->f, n, &k);
    for (uint32_t i = 0; i < k; i++) {
        const Box *a = &p->node[before[i]], *b = &p->node[n];
        double x1 = ox + a->x + a->w / 2, y1 = oy + a->y + a->h, x2 = ox + b->x + b->w / 2, y2 = oy + b->y;
        buf_printf(out, "<path d=\"M%.1f %.1f", x1, y1);
        if (a->below > 0) buf_printf(out, "V%.1f", y1 += a->below); /* past its taller neighbours, not through them */
        double bend = (y2 - y1) / 2;
        buf_printf(out, "C%.1f %.1f %.1f %.1f %.1f %.1f\" class=\"edge\" marker-end=\"url(#arrow)\"/>\n", x1, y1 + bend, x2, y2 - bend - 4, x2, y2 - 4);
    }
    free(before);
}

static void write_region(Buf *out, Picture *p, RegionId id, double ox, double oy) {
    const FlowRegion *r = &p->f->region.data[id];
    svg_rect(out, ox, oy, &p->region[id], 9, "region");
    svg_text(out, ox + PAD, oy + LINE, "label", "start", str_of(graph_region_label(p->f, id)));
    for (NodeId n = r->first; n < r->first + r->n; n++)
        if (graph_shown(p->f, n)) write_edges(out, p, n, ox, oy);
    for (NodeId n = r->first; n < r->first + r->n; n++)
        if (graph_shown(p->f, n)) write_node(out, p, n, ox, oy);
}

static const char head[] =
    "<style>.call{fill:#eef4ff;stroke:#3b6fb6}.block{fill:#fff8e8;stroke:#b98a2c}.region{fill:#fff;fill-opacity:.6;stroke:#bbb;stroke-dasharray:4 3}"
    ".edge{fill:none;stroke:#555;stroke-width:1.3}.name{font-weight:600;fill:#111}.callee{fill:#555;font-size:12px}.label{fill:#777;font-size:12px}"
    "</style>\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"4\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
    "<path d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker></defs>\n";

void graph_svg(Buf *out, const Flow *f, uint32_t workflow) {
    const FlowWorkflow *w = &f->workflow.data[workflow];
    Picture p = {.f = f};
    p.node = wf_alloc_zero(((size_t)f->node.len + 1) * sizeof *p.node);
    p.region = wf_alloc_zero(((size_t)f->region.len + 1) * sizeof *p.region);
    RegionId parts[4] = {w->body, w->on_success, w->on_failure, w->finally};
    double width = 0, height = PAD;
    for (int i = 0; i < 4; i++) {
        if (parts[i] == 0) continue;
        size_region(&p, parts[i]);
        p.region[parts[i]].y = height;
        height += p.region[parts[i]].h + PAD;
        width = fmax(width, p.region[parts[i]].w);
    }
    width += 2 * PAD;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" font-family=\"sans-serif\" "
               "font-size=\"13\">\n<title>",
               width, height, width, height);
    xml_text(out, atom_str(f->atoms, w->name));
    buf_printf(out, "</title>\n%s", head);
    for (int i = 0; i < 4; i++)
        if (parts[i] != 0) write_region(out, &p, parts[i], PAD, p.region[parts[i]].y);
    buf_z(out, "</svg>\n");
    free(p.node);
    free(p.region);
}
