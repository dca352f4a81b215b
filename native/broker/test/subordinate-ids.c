#include "broker/subordinate-ids.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether ids 1000…1099 meet a file of this content. */
static int meets(const char *content)
{
    char path[] = "/tmp/squash-subuid-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
    int result = meets_subordinate_ids(path, 1000, 100);
    unlink(path);
    return result;
}

void test_subordinate_ids(void)
{
    static const char *const apart[] = {
        "", "\n", "a:0:1000\n", "a:1100:65536\n", "a:999:1", "a:1000:0\n", "a:0:1000\nb:1100:1\n", "# a:1000:1\n",
    };
    static const char *const meeting[] = {
        "a:1000:1\n", "a:1099:1\n",   "a:0:1001\n",        "a:0:4294967295\n",
        "a:1050:10",  "1000:1050:10", "a:0:1\nb:1050:1\n", "a:1:18446744073709551615\n",
    };
    /* What cannot be read may name the ids. */
    static const char *const broken[] = { "a\n", "a:1\n", "a:x:y\n", "a:1:x\n", "a:-1:5\n" };
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        CHECK(!meets(apart[i]));
    for (size_t i = 0; i < sizeof meeting / sizeof *meeting; i++)
        CHECK(meets(meeting[i]));
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK(meets(broken[i]));
    CHECK(!meets_subordinate_ids("/nonexistent/subuid", 1000, 100));
}
