/* What this machine offers to steps. */
#include "runtime/sched/sched.h"

#include "base/io.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

uint32_t machine_cpus(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return (uint32_t)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}

/* A number in a file of one line; 0 when there is none. */
static int64_t number_in(const char *path) {
    Buf b = BUF_INIT;
    int64_t n = io_read_file(path, 4096, &b) == 0 ? strtoll(b.p, NULL, 10) : 0;
    buf_free(&b);
    return n;
}

int64_t machine_memory(void) {
    int64_t total = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t limit = number_in("/sys/fs/cgroup/memory.max"); /* of a container */
    return limit > 0 && limit < total ? limit : total;
}

int32_t machine_gpus(void) {
    int32_t n = 0;
    DIR *d = opendir("/proc/driver/nvidia/gpus");
    if (d == NULL) return 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') n++;
    closedir(d);
    return n;
}
