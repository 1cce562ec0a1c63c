/* wfc explain: the reason behind a finding. */
#include "cli/cli.h"

#include "base/embed.h"
#include "compiler/source/diag.h"

#include <stdio.h>

extern const EmbeddedFile explain_files[];

static int run(Cli *cli) {
    Buf out = BUF_INIT;
    if (cli->args.len == 0) {
        for (const EmbeddedFile *f = explain_files; f->path != NULL; f++) {
            size_t n = strcspn(f->text, "\n");
            buf_printf(&out, "%.*s\n", (int)(n - 2), f->text + 2);
        }
    }
    for (uint32_t i = 0; i < cli->args.len; i++) {
        DiagCode code = diag_code_parse(str_of(cli->args.data[i]));
        char path[32];
        snprintf(path, sizeof path, "WF%04d.md", (int)code);
        const EmbeddedFile *hit = NULL;
        for (const EmbeddedFile *f = explain_files; f->path != NULL; f++)
            if (code != 0 && strcmp(f->path, path) == 0) hit = f;
        if (hit == NULL) {
            buf_free(&out);
            return cli_usage(cli, "no finding is called `%s`; `wfc explain` lists all", cli->args.data[i]);
        }
        buf_add(&out, hit->text, hit->size);
    }
    bool ok = cli_out(buf_view(&out));
    buf_free(&out);
    return ok ? EXIT_FINE : EXIT_INTERNAL;
}

const Verb verb_explain = {
    .name = "explain",
    .usage = "explain [CODE...]",
    .summary = "explains a finding, with an example that has it and one that does not",
    .about = "Prints why a finding is reported and how to mend it. A code is WF0120, 120 or its name, type-mismatch. Without a code all\n"
             "are listed.",
    .options = (const CliOption[]){{0}},
    .examples = (const CliExample[]){{"wfc explain WF0120", "what a type mismatch is"}, {0}},
    .run = run,
};
