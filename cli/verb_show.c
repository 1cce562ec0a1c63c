/* wfc show: a picture of a workflow. */
#include "cli/program.h"

#include "compiler/backend/graph/graph.h"

#include <stdio.h>

static const GraphFormat *chosen(Cli *cli) {
    const GraphFormat *hit = &graph_formats[0];
    for (const GraphFormat *g = graph_formats; g->name != NULL; g++)
        if (cli_has(cli, g->name)) hit = g;
    return hit;
}

static int show(Cli *cli, Program *p) {
    const char *name = cli_option(cli, "workflow");
    Buf out = BUF_INIT, why = BUF_INIT, names = BUF_INIT;
    int code = EXIT_FINE;
    const GraphFormat *format = chosen(cli);
    if (!program_lower(p, NULL, &why)) {
        code = cli_error(EXIT_INTERNAL, "%s", why.p);
    } else {
        uint32_t shown = 0;
        bool one = strcmp(format->name, "text") != 0;
        for (uint32_t i = 0; i < p->flow.workflow.len && code == EXIT_FINE; i++) {
            const char *w = atom_cstr(&p->atoms, p->flow.workflow.data[i].name);
            buf_printf(&names, "%s`%s`", i > 0 ? ", " : "", w);
            bool main = p->flow.main == UINT32_MAX || p->flow.main == i || !one;
            if (name != NULL ? strcmp(w, name) != 0 : !main) continue;
            if (shown > 0 && one) {
                code = cli_usage(cli, "the file declares several workflows: choose one with --workflow");
                break;
            }
            if (shown++ > 0) buf_addc(&out, '\n');
            format->write(&out, &p->flow, i);
        }
        if (code == EXIT_FINE && shown == 0 && names.n == 0) code = cli_usage(cli, "the file declares no workflow");
        if (code == EXIT_FINE && shown == 0) code = cli_usage(cli, "there is no workflow `%s`; there is %s", name, names.p);
    }
    if (code == EXIT_FINE && !cli_out(buf_view(&out))) code = EXIT_INTERNAL;
    buf_free(&out);
    buf_free(&why);
    buf_free(&names);
    return code;
}

static int run(Cli *cli) {
    if (cli->args.len != 1) return cli_usage(cli, "name one file to show");
    Program p;
    int e = program_check(&p, cli->args.data[0], "<stdin>", true), code;
    if (e != 0) code = cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", cli->args.data[0], strerror(e));
    else if (p.diags.nerrors > 0) code = program_report(&p, cli, NULL, false);
    else code = show(cli, &p);
    program_free(&p);
    return code;
}

const Verb verb_show = {
    .name = "show",
    .usage = "show [OPTIONS] FILE",
    .summary = "shows the graph of a workflow",
    .about = "Prints the calls of a workflow with what each waits for. As a picture it is written in DOT for Graphviz, as a Mermaid\n"
             "flowchart, as SVG, or as JSON.",
    .options = (const CliOption[]){
        {"dot", 0, NULL, false, "write DOT"},
        {"mermaid", 0, NULL, false, "write a Mermaid flowchart"},
        {"svg", 0, NULL, false, "write SVG"},
        {"json", 0, NULL, false, "write JSON"},
        {"workflow", 'w', "NAME", false, "which workflow, when the file declares several"},
        {0}},
    .examples = (const CliExample[]){{"wfc show train.wf", "the outline"}, {"wfc show --svg train.wf > train.svg", "a picture"}, {0}},
    .run = run,
};
