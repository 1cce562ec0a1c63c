/* wfc help, wfc man. */
#include "cli/cli.h"

static const Verb *find(const char *name) {
    for (const Verb *const *v = cli_verbs; *v != NULL; v++)
        if (strcmp((*v)->name, name) == 0) return *v;
    return NULL;
}

static int print(Cli *cli, void (*write)(Buf *, const Verb *)) {
    const Verb *v = cli->args.len > 0 ? find(cli->args.data[0]) : NULL;
    if (cli->args.len > 0 && v == NULL) return cli_usage(cli, "there is no `wfc %s`", cli->args.data[0]);
    Buf b = BUF_INIT;
    write(&b, v);
    bool ok = cli_out(buf_view(&b));
    buf_free(&b);
    return ok ? EXIT_FINE : EXIT_INTERNAL;
}

static void markdown(Buf *out, const Verb *verb) {
    (void)verb; /* the page is about all of them */
    cli_markdown(out);
}

static int run_help(Cli *cli) { return print(cli, cli_has(cli, "markdown") ? markdown : cli_help); }
static int run_man(Cli *cli) { return print(cli, cli_man); }

const Verb verb_help = {
    .name = "help", .usage = "help [VERB]", .summary = "shows help", .about = "The same as `wfc VERB --help`.",
    .options = (const CliOption[]){{"markdown", 0, NULL, false, "help of all verbs as Markdown"}, {0}},
    .examples = (const CliExample[]){{"wfc help run", "help of one verb"}, {0}},
    .run = run_help};
const Verb verb_man = {
    .name = "man",
    .usage = "man [VERB]",
    .summary = "writes a manual page in man(7) format",
    .about = "`make install` writes the pages of all verbs. `wfc man check | man -l -` shows one.",
    .options = (const CliOption[]){{0}},
    .examples = (const CliExample[]){{"wfc man run > wfc-run.1", "write one page"}, {0}},
    .run = run_man};
