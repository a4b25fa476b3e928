/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_version - what -v and -vv print, in the form that tools parse.
 */
#include <sys/utsname.h>

#include <base/buf.h>
#include <base/text.h>
#include <conf/feature.h>
#include <conf/level.h>
#include <os/proc.h>
#include <version.h>

#ifdef USE_OPENSSL
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#endif
#ifdef USE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif
#ifdef USE_ZLIB
#include <zlib.h>
#endif

#include "keeper_int.h"

static void
put_head(struct text *t)
{
	struct utsname u;

	text_printf(t, "Ecluse %s %s\n", ECLUSE_VERSION, ECLUSE_DATE);
	text_printf(t, "HAProxy version %s %s - speaks the language of this "
	    "version\n", CONF_LEVEL_VERSION, ECLUSE_DATE);
	text_addz(t, "Status: under development\n");
	text_addz(t, "Known bugs: see the issues of the project\n");
	if (uname(&u) == 0)
		text_printf(t, "Running on: %s %s %s %s\n", u.sysname,
		    u.release, u.version, u.machine);
}

static void
put_build(struct text *t)
{
	text_printf(t, "Build options :\n"
	    "  TARGET  = linux-glibc\n"
	    "  CC      = %s\n"
	    "  CFLAGS  = %s\n"
	    "  OPTIONS = %s\n\n",
	    ECLUSE_BUILD_CC, ECLUSE_BUILD_CFLAGS, ECLUSE_BUILD_OPTIONS);
	text_addz(t, "Feature list :");
	for (size_t i = 0; i < conf_features_n; i++)
		text_printf(t, " %c%s", conf_features[i].on ? '+' : '-',
		    conf_features[i].name);
	text_printf(t, "\n\nDefault settings :\n"
	    "  bufsize = %zu, maxrewrite = 1024, maxpollevents = 256\n\n",
	    buf_size);
	text_printf(t, "Built with workers as processes (one per thread asked "
	    "for, default=%d).\n", proc_cpu_count());
}

static void
put_libraries(struct text *t)
{
#ifdef USE_OPENSSL
	text_printf(t, "Built with OpenSSL version : %s\n"
	    "Running on OpenSSL version : %s\n", OPENSSL_VERSION_TEXT,
	    OpenSSL_version(OPENSSL_VERSION));
#endif
#ifdef USE_ZLIB
	text_printf(t, "Built with zlib version : %s\n"
	    "Running on zlib version : %s\n", ZLIB_VERSION, zlibVersion());
#endif
	text_addz(t, "Built with transparent proxy support using: "
	    "IP_TRANSPARENT IPV6_TRANSPARENT IP_FREEBIND\n");
#ifdef USE_PCRE2
	text_printf(t, "Built with PCRE2 version : %d.%d\n"
	    "PCRE2 library supports JIT : yes\n", PCRE2_MAJOR, PCRE2_MINOR);
#endif
#ifdef USE_CRYPT
	text_addz(t, "Encrypted password support via crypt(3): yes\n");
#endif
#ifdef __clang__
	text_printf(t, "Built with clang compiler version %s\n\n",
	    __clang_version__);
#else
	text_printf(t, "Built with gcc compiler version %s\n\n", __VERSION__);
#endif
}

static void
put_mechanisms(struct text *t)
{
	text_addz(t, "Available polling systems :\n"
	    "      epoll : pref=300,  test result OK\n"
	    "       poll : pref=200,  test result OK\n"
	    "Total: 2 (2 usable), will use epoll.\n\n"
	    "Available multiplexer protocols :\n"
	    "(protocols marked as <default> cannot be specified using "
	    "'proto' keyword)\n"
	    "  <default> : mode=HTTP  side=FE|BE  mux=H1    flags=\n"
	    "         h1 : mode=HTTP  side=FE|BE  mux=H1    flags=\n"
	    "  <default> : mode=TCP   side=FE|BE  mux=PASS  flags=\n"
	    "       none : mode=TCP   side=FE|BE  mux=PASS  flags=\n\n"
	    "Available services : none\n\n"
	    "Available filters :\n"
	    "\tnone\n");
}

void
keeper_version(struct text *t, bool all)
{
	put_head(t);
	if (!all)
		return;
	put_build(t);
	put_libraries(t);
	put_mechanisms(t);
}
