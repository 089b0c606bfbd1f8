/* hallmark-verify: the verifier as a program of its own. It links neither libbpf nor libevent nor any private-key code, so
 * whoever doubts an assessment has little to read and nothing to trust. */
#include "commands.h"
#include "program.h"

int main(int argc, char **argv)
{
	static const struct hm_program program = { .name = "hallmark-verify", .only = &hm_cmd_verify };

	return hm_program_main(&program, argc, argv);
}
