// Adds the seconds that stand in a shared file to the clock on the wall. Other clocks are not moved.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile double *offset;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void open_file(void) {
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    int file = open(getenv("MOVED_CLOCK_FILE"), O_RDONLY);
    if (file < 0) abort();
    void *shared = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) abort();
    offset = shared;
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    if (!real_clock) real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real_clock(id, now);
    if (answer == 0 && offset && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        double moved = *offset;
        long nanoseconds = now->tv_nsec + (long)((moved - (double)(long)moved) * 1e9);
        now->tv_sec += (long)moved + (nanoseconds >= 1000000000L) - (nanoseconds < 0);
        now->tv_nsec = (nanoseconds + 1000000000L) % 1000000000L;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    int answer = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return answer;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}
