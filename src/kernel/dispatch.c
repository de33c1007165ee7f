/* dispatch.c - one table of kernels per instruction set, and the choice among them. */
#include "base/log.h"
#include "kernel/vec.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef GR_HAS_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* From the narrowest to the widest. GR_HAS_X86: the build has the objects for AVX2, AVX-512, AVX-512 with bfloat16
 * products, and these with tiles. */
enum {
    BASE,
#ifdef GR_HAS_X86
    AVX2,
    AVX512,
    BF16,
    AMX,
#endif
    ISAS
};

/* Written once, then constant. */
static gr_kernels tables[ISAS];
static int chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define FILL(slot, which)                    \
    do {                                     \
        (slot)->isa = #which;                \
        gr__##which##_fill_arith(slot);      \
        gr__##which##_fill_half(slot);       \
        gr__##which##_fill_gemv(slot);       \
        gr__##which##_fill_activation(slot); \
        gr__##which##_fill_norm(slot);       \
        gr__##which##_fill_loss(slot);       \
        gr__##which##_fill_attention(slot);  \
        gr__##which##_fill_optim(slot);      \
    } while (0)

#ifdef GR_HAS_X86
/* Whether the processor has tiles of bfloat16 and the system lets this process use them, which it must be asked for. */
static bool tiles_allowed(void) {
    enum { REQUEST = 0x1023, TILE_DATA = 18, BF16_BIT = 1 << 22, TILE_BIT = 1 << 24 }; /* asm/prctl.h; leaf 7, edx */
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & BF16_BIT) || !(d & TILE_BIT))
        return false;
#ifdef SYS_arch_prctl
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}
#endif

/* The features of the levels x86-64-v3 and -v4, one by one: not every compiler knows the levels by name here. */
static bool supported(int isa) {
#ifdef GR_HAS_X86
    __builtin_cpu_init();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    if (isa == AVX2)
        return v3;
    if (isa == AMX && !tiles_allowed())
        return false;
    if (isa >= AVX512)
        return v3 && (isa == AVX512 || __builtin_cpu_supports("avx512bf16")) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return isa == BASE;
}

/* The table of that name, -1 if there is none. */
static int find(const char *isa) {
    for (int i = 0; i < ISAS; i++)
        if (strcmp(tables[i].isa, isa) == 0)
            return i;
    return -1;
}

static void choose(void) {
    FILL(&tables[BASE], base);
#ifdef GR_HAS_X86
    FILL(&tables[AVX2], avx2);
    FILL(&tables[AVX512], avx512);
    FILL(&tables[BF16], bf16);
    FILL(&tables[AMX], amx);
#endif
    int most = ISAS - 1;
    const char *wish = getenv("GRADROUTE_ISA");
    if (wish && *wish) {
        int i = find(wish);
        if (i >= 0)
            most = i;
        else
            gr_log(1, "GRADROUTE_ISA=%s ignored: this build has %s", wish,
                   ISAS > 1 ? "base, avx2, avx512, bf16, amx" : "base");
    }
    while (!supported(most))
        most--;
    chosen = most;
}

const gr_kernels *gr_kernel(void) {
    pthread_once(&once, choose);
    return &tables[chosen];
}

const char *gr_kernel_isa(void) { return gr_kernel()->isa; }

const gr_kernels *gr__kernel_get(const char *isa) {
    pthread_once(&once, choose);
    int i = find(isa);
    return i >= 0 && supported(i) ? &tables[i] : NULL;
}
