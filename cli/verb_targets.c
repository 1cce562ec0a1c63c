/* wfc targets: what each engine keeps of the language. */
#include "cli/cli.h"

#include "compiler/backend/emit/target.h"

static void overview(Buf *out) {
    for (int i = 0; targets[i] != NULL; i++) buf_printf(out, "%s: %s\n\n", targets[i]->name, targets[i]->doc);
    targets_matrix(out);
}

static int run(Cli *cli) {
    if (cli->args.len > 1) return cli_usage(cli, "name one target, or none");
    Buf out = BUF_INIT;
    int code = EXIT_FINE;
    const Target *t = cli->args.len == 1 ? target_find(cli->args.data[0]) : NULL;
    if (cli->args.len == 1 && t == NULL) {
        code = cli_usage(cli, "there is no target `%s`", cli->args.data[0]);
    } else if (t != NULL) {
        buf_printf(&out, "%s: %s\n\n", t->title, t->doc);
        target_settings_doc(&out, t);
    } else {
        overview(&out);
    }
    if (code == EXIT_FINE && !cli_out(buf_view(&out))) code = EXIT_INTERNAL;
    buf_free(&out);
    return code;
}

const Verb verb_targets = {
    .name = "targets",
    .usage = "targets [TARGET]",
    .summary = "shows what each engine keeps of the language",
    .about = "Prints the constructs of the language by targets, as Markdown: kept, kept within a limit, refused (with what to write\n"
             "instead), or without effect. With a target, its settings.",
    .options = (const CliOption[]){{0}},
    .examples = (const CliExample[]){{"wfc targets", "the matrix"}, {"wfc targets argo", "the settings of `target NAME on argo`"}, {0}},
    .run = run,
};
