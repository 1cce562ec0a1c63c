/* The functions behind rt_lib, by subject. Each reads the words of its arguments and writes the words of its result; false with
   the error pending. Results are scratch. */
#ifndef WF_RUNTIME_VALUE_LIB_H
#define WF_RUNTIME_VALUE_LIB_H

#include "runtime/value/rt.h"

/* types[0] is the result's type, types[i] that of argument i. */
typedef struct LibCall {
    Rt *rt;
    const uint32_t *types;
    const RtWord *args;
    RtWord *out;
} LibCall;
typedef bool (*LibFn)(const LibCall *c);

static inline const RtType *lib_type(const LibCall *c, int i) { return rt_type(c->rt->types, c->types[i]); }
/* Words of the elements of list argument i (0: the result). */
static inline uint32_t lib_words(const LibCall *c, int i) { return rt_type(c->rt->types, lib_type(c, i)->inner)->words; }
static inline Str lib_str(const RtWord *w) { return rt_str(w->p); }
static inline bool lib_text(const LibCall *c, Str s) { return c->out->p = rt_new_text(c->rt, s), true; }

/* lib_list.c */
bool lib_len_list(const LibCall *c), lib_len_map(const LibCall *c), lib_sum_int(const LibCall *c), lib_sum_float(const LibCall *c),
    lib_mean_int(const LibCall *c), lib_mean_float(const LibCall *c), lib_std(const LibCall *c), lib_min_list(const LibCall *c),
    lib_max_list(const LibCall *c), lib_min(const LibCall *c), lib_max(const LibCall *c), lib_first(const LibCall *c), lib_last(const LibCall *c),
    lib_sort(const LibCall *c), lib_unique(const LibCall *c), lib_reverse(const LibCall *c), lib_take(const LibCall *c), lib_drop(const LibCall *c),
    lib_slice_list(const LibCall *c), lib_concat(const LibCall *c), lib_flatten(const LibCall *c), lib_compact(const LibCall *c),
    lib_range(const LibCall *c), lib_range_from(const LibCall *c), lib_range_step(const LibCall *c), lib_chunk(const LibCall *c),
    lib_enumerate(const LibCall *c), lib_zip(const LibCall *c), lib_contains_list(const LibCall *c), lib_get_list(const LibCall *c),
    lib_get_map(const LibCall *c), lib_has(const LibCall *c), lib_keys(const LibCall *c), lib_values(const LibCall *c), lib_entries(const LibCall *c),
    lib_to_map(const LibCall *c), lib_merge(const LibCall *c), lib_clamp(const LibCall *c);

/* lib_text.c */
bool lib_len_string(const LibCall *c), lib_contains_string(const LibCall *c), lib_split(const LibCall *c), lib_lines(const LibCall *c),
    lib_join(const LibCall *c), lib_lower(const LibCall *c), lib_upper(const LibCall *c), lib_trim(const LibCall *c), lib_starts_with(const LibCall *c),
    lib_ends_with(const LibCall *c), lib_replace(const LibCall *c), lib_matches(const LibCall *c), lib_extract(const LibCall *c),
    lib_slice_string(const LibCall *c), lib_repeated(const LibCall *c), lib_sha256(const LibCall *c), lib_basename(const LibCall *c),
    lib_dirname(const LibCall *c);

/* lib_number.c */
bool lib_abs_int(const LibCall *c), lib_abs_float(const LibCall *c), lib_round(const LibCall *c), lib_round_to(const LibCall *c), lib_floor(const LibCall *c),
    lib_ceil(const LibCall *c), lib_sqrt(const LibCall *c), lib_log(const LibCall *c), lib_exp(const LibCall *c), lib_pow(const LibCall *c),
    lib_int_of_float(const LibCall *c), lib_int_of_string(const LibCall *c), lib_float_of_string(const LibCall *c), lib_format(const LibCall *c),
    lib_seconds(const LibCall *c), lib_bytes(const LibCall *c), lib_parse_time(const LibCall *c), lib_format_time(const LibCall *c),
    lib_weekday(const LibCall *c);

/* lib_json.c */
bool lib_get_json(const LibCall *c), lib_parse_json(const LibCall *c), lib_json_key(const LibCall *c), lib_json_at(const LibCall *c),
    lib_json_key_opt(const LibCall *c), lib_json_at_opt(const LibCall *c), lib_file_size(const LibCall *c), lib_file_name(const LibCall *c),
    lib_file_sha256(const LibCall *c), lib_file_uri(const LibCall *c), lib_file_rows(const LibCall *c);

#endif
