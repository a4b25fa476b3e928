/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingress_main - the program ecluse-ingress.
 */
#include <ingress/cmd.h>

int
main(int argc, char **argv)
{
	return (ing_cmd_main(argc, argv));
}
