#include "rlimit-lower.h"

int rlimit_lower(int resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit))
        return -1;
    /* Only down: raising one needs CAP_SYS_RESOURCE, which root of a container does not have. */
    if (value < limit.rlim_max)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit);
}
