/* The table of library functions. A row of lib.def without its function here does not link. */
#include "runtime/value/lib.h"

#include "compiler/type/lib.h"

static const LibFn functions[LIB_COUNT] = {
    [LIB_LEN_LIST] = lib_len_list, [LIB_LEN_MAP] = lib_len_map, [LIB_LEN_STRING] = lib_len_string, [LIB_SUM_INT] = lib_sum_int,
    [LIB_SUM_FLOAT] = lib_sum_float, [LIB_SUM_DURATION] = lib_sum_int, [LIB_SUM_SIZE] = lib_sum_int, [LIB_MEAN_INT] = lib_mean_int,
    [LIB_MEAN_FLOAT] = lib_mean_float, [LIB_STD] = lib_std, [LIB_MIN_LIST] = lib_min_list, [LIB_MAX_LIST] = lib_max_list, [LIB_MIN] = lib_min,
    [LIB_MAX] = lib_max, [LIB_FIRST] = lib_first, [LIB_LAST] = lib_last, [LIB_SORT] = lib_sort, [LIB_UNIQUE] = lib_unique,
    [LIB_REVERSE] = lib_reverse, [LIB_TAKE] = lib_take, [LIB_DROP] = lib_drop, [LIB_SLICE_LIST] = lib_slice_list, [LIB_CONCAT] = lib_concat,
    [LIB_FLATTEN] = lib_flatten, [LIB_COMPACT] = lib_compact, [LIB_RANGE] = lib_range, [LIB_RANGE_FROM] = lib_range_from,
    [LIB_RANGE_STEP] = lib_range_step, [LIB_CHUNK] = lib_chunk, [LIB_ENUMERATE] = lib_enumerate, [LIB_ZIP] = lib_zip,
    [LIB_CONTAINS_LIST] = lib_contains_list, [LIB_CONTAINS_STRING] = lib_contains_string, [LIB_GET_LIST] = lib_get_list,
    [LIB_GET_MAP] = lib_get_map, [LIB_GET_JSON] = lib_get_json, [LIB_HAS] = lib_has, [LIB_KEYS] = lib_keys, [LIB_VALUES] = lib_values,
    [LIB_ENTRIES] = lib_entries, [LIB_TO_MAP] = lib_to_map, [LIB_MERGE] = lib_merge, [LIB_SPLIT] = lib_split, [LIB_LINES] = lib_lines,
    [LIB_JOIN] = lib_join, [LIB_LOWER] = lib_lower, [LIB_UPPER] = lib_upper, [LIB_TRIM] = lib_trim, [LIB_STARTS_WITH] = lib_starts_with,
    [LIB_ENDS_WITH] = lib_ends_with, [LIB_REPLACE] = lib_replace, [LIB_MATCHES] = lib_matches, [LIB_EXTRACT] = lib_extract,
    [LIB_SLICE_STRING] = lib_slice_string, [LIB_REPEAT_STRING] = lib_repeated, [LIB_SHA256] = lib_sha256, [LIB_BASENAME] = lib_basename,
    [LIB_DIRNAME] = lib_dirname, [LIB_ABS_INT] = lib_abs_int, [LIB_ABS_FLOAT] = lib_abs_float, [LIB_ABS_DURATION] = lib_abs_int,
    [LIB_ROUND] = lib_round, [LIB_ROUND_TO] = lib_round_to, [LIB_FLOOR] = lib_floor, [LIB_CEIL] = lib_ceil, [LIB_SQRT] = lib_sqrt,
    [LIB_LOG] = lib_log, [LIB_EXP] = lib_exp, [LIB_POW] = lib_pow, [LIB_CLAMP] = lib_clamp, [LIB_INT_OF_FLOAT] = lib_int_of_float,
    [LIB_INT_OF_STRING] = lib_int_of_string, [LIB_FLOAT_OF_STRING] = lib_float_of_string, [LIB_FORMAT] = lib_format, [LIB_SECONDS] = lib_seconds,
    [LIB_BYTES] = lib_bytes, [LIB_PARSE_TIME] = lib_parse_time, [LIB_FORMAT_TIME] = lib_format_time, [LIB_WEEKDAY] = lib_weekday,
    [LIB_PARSE_JSON] = lib_parse_json, [LIB_JSON_KEY] = lib_json_key, [LIB_JSON_AT] = lib_json_at, [LIB_JSON_KEY_OPT] = lib_json_key_opt,
    [LIB_JSON_AT_OPT] = lib_json_at_opt, [LIB_FILE_SIZE] = lib_file_size, [LIB_FILE_NAME] = lib_file_name, [LIB_FILE_SHA256] = lib_file_sha256,
    [LIB_FILE_URI] = lib_file_uri, [LIB_FILE_ROWS] = lib_file_rows,
};

bool rt_lib(Rt *rt, uint32_t id, const uint32_t *types, const RtWord *args, RtWord *out) {
    LibCall c = {rt, types, args, out};
    if (id >= LIB_COUNT || functions[id] == NULL) return rt_error(rt, "internal error: library function %u is an operation", id);
    return functions[id](&c);
}
