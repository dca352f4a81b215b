/* `broker-units VECTORS`: the parts of the broker that need no privilege, under AddressSanitizer and UndefinedBehaviorSanitizer. */
#include "check.h"

unsigned checks, failures;

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "broker-units VECTORS\n");
        return 2;
    }
    test_vectors(argv[1]);
    test_wire();
    test_connection();
    test_names();
    test_sha256();
    test_beneath();
    test_subordinate_ids();
    test_kill_choice();
    test_list();
    printf("broker-units: %u checks, %u failed\n", checks, failures);
    return failures ? 1 : 0;
}
