/* wfc check: findings of files. */
#include "cli/program.h"

#include <stdio.h>

static int check_one(Cli *cli, const char *path) {
    const char *format = cli_option(cli, "format"), *name = cli_option(cli, "stdin-filename");
    Program p;
    int e = program_check(&p, path, name != NULL ? name : "<stdin>", false);
    int code = e != 0 ? cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", path, strerror(e)) : program_report(&p, cli, format, cli_has(cli, "deny-warnings"));
    program_free(&p);
    return code;
}

static int run(Cli *cli) {
    if (cli->args.len == 0) return cli_usage(cli, "no file is named");
    const char *format = cli_option(cli, "format");
    if (format != NULL && strcmp(format, "text") != 0 && strcmp(format, "json") != 0 && strcmp(format, "line") != 0)
        return cli_usage(cli, "--format is text, line or json, not `%s`", format);
    int worst = EXIT_FINE;
    for (uint32_t i = 0; i < cli->args.len; i++) {
        int code = check_one(cli, cli->args.data[i]);
        if (code > worst) worst = code;
    }
    return worst;
}

const Verb verb_check = {
    .name = "check",
    .usage = "check [OPTIONS] FILE...",
    .summary = "finds mistakes in workflow files",
    .about = "Reads the files and what they import, and reports every mistake that can be known before a run: syntax, names, types,\n"
             "cycles, secrets that would leak, schedules, effects without order, and what is not used. Nothing is run and no network\n"
             "is used. `-` reads standard input. The exit code is 1 when there are errors.",
    .options = (const CliOption[]){
        {"format", 0, "FORMAT", false, "text, line (one a line) or json"},
        {"deny-warnings", 0, NULL, false, "exit with 1 when there are warnings"},
        {"stdin-filename", 0, "NAME", false, "the name of `-` in messages, and where its imports are looked for"},
        {0}},
    .examples = (const CliExample[]){{"wfc check train.wf", "check one file"}, {"wfc check --format json *.wf", "findings for a program"}, {0}},
    .run = run,
};
