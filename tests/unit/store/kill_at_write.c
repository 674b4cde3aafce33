/* Loaded before the C library's own: kills the process at its n-th change to a file of one directory.
 *
 * KILL_UNDER names the directory, KILL_AT the number of the change, counted from 1; 0 kills never. With
 * KILL_HALF set, half of a write goes through first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int done;

static int is_under(const char *path) {
    const char *directory = getenv("KILL_UNDER");
    return directory != NULL && strncmp(path, directory, strlen(directory)) == 0;
}

static int concerns(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = 0;
    return is_under(path);
}

static int is_the_one(void) {
    const char *at = getenv("KILL_AT");
    return ++done == (at == NULL ? 0 : atoi(at));
}

static void die(void) {
    kill(getpid(), SIGKILL);
    pause();
}

int changes_done(void) {
    return done;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define DIE_HERE(condition)          \
    do {                             \
        if ((condition) && is_the_one()) { \
            die();                   \
        }                            \
    } while (0)

ssize_t write(int file, const void *content, size_t length) {
    REAL(write);
    if (concerns(file) && is_the_one()) {
        if (getenv("KILL_HALF") != NULL) {
            real(file, content, length / 2);
        }
        die();
    }
    return real(file, content, length);
}

ssize_t pwrite64(int file, const void *content, size_t length, off64_t at) {
    REAL(pwrite64);
    if (concerns(file) && is_the_one()) {
        if (getenv("KILL_HALF") != NULL) {
            real(file, content, length / 2, at);
        }
        die();
    }
    return real(file, content, length, at);
}

ssize_t pwrite(int file, const void *content, size_t length, off_t at) {
    return pwrite64(file, content, length, at);
}

int fsync(int file) {
    REAL(fsync);
    DIE_HERE(concerns(file));
    return real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    DIE_HERE(concerns(file));
    return real(file);
}

int ftruncate64(int file, off64_t length) {
    REAL(ftruncate64);
    DIE_HERE(concerns(file));
    return real(file, length);
}

int ftruncate(int file, off_t length) {
    return ftruncate64(file, length);
}

int unlink(const char *path) {
    REAL(unlink);
    DIE_HERE(is_under(path));
    return real(path);
}

int link(const char *from, const char *to) {
    REAL(link);
    DIE_HERE(is_under(to));
    return real(from, to);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    DIE_HERE(is_under(to));
    return real(from, to);
}
