/* Reads a YAML file to its end through libyaml's event interface and does nothing with the events: the least that any tool
   which takes YAML has to do. Prints their number. */
#include "base/io.h"

#include <stdio.h>
#include <yaml.h>

int main(int argc, char **argv) {
    Buf text = BUF_INIT;
    if (argc != 2 || io_read_file(argv[1], SIZE_MAX / 2, &text) != 0) {
        fprintf(stderr, "usage: yaml_scan FILE\n");
        return 2;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return 1;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    long count = 0;
    for (bool more = true; more; count++) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            fprintf(stderr, "%s:%zu: %s\n", argv[1], parser.problem_mark.line + 1, parser.problem);
            return 1;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    buf_free(&text);
    printf("%ld events\n", count);
    return 0;
}
