# SPDX-License-Identifier: Apache-2.0
#
# Écluse.  `make help` lists the targets, doc/testing.md explains the checks.
#
#   make -j2                    the program, at build/ecluse
#   make O=/some/dir all        the same, somewhere else
#   make CC=clang USE_PCRE2=    another compiler, without a library

O       ?= build
CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= python3
PKGCONF ?= pkg-config
MODE    ?= release
WERROR  ?= 1
FUZZ_SECONDS ?= 10
PROGRAM ?= $(abspath $(O))/ecluse

SBINDIR = $(PREFIX)/sbin
MANDIR  = $(PREFIX)/share/man
DOCDIR  = $(PREFIX)/share/doc/ecluse
UNITDIR = $(PREFIX)/lib/systemd/system
COMPDIR = $(PREFIX)/share/bash-completion/completions

.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# --- libraries: one row per switch.  Empty value: build without it. ----------
# name    default                       compiler flags and libraries
have      = $(shell $(PKGCONF) --exists $(1) 2>/dev/null && echo 1)
FEATURES  = OPENSSL PCRE2 ZLIB CRYPT CARES
PC_OPENSSL = libssl libcrypto
PC_PCRE2   = libpcre2-8
PC_ZLIB    = zlib
PC_CRYPT   = libcrypt
PC_CARES   = libcares
USE_OPENSSL ?= $(call have,$(PC_OPENSSL))
USE_PCRE2   ?= $(call have,$(PC_PCRE2))
USE_ZLIB    ?= $(call have,$(PC_ZLIB))
USE_CRYPT   ?= $(call have,$(PC_CRYPT))
USE_CARES   ?= $(call have,$(PC_CARES))
on       := $(foreach f,$(FEATURES),$(if $(USE_$(f)),$(f)))
off      := $(filter-out $(on),$(FEATURES))
packages := $(foreach f,$(on),$(PC_$(f)))
ifneq ($(packages),)
LIB_CFLAGS := $(shell $(PKGCONF) --cflags $(packages))
LIBS       := $(shell $(PKGCONF) --libs $(packages))
endif

# The second program, ecluse-ingress, has libraries of its own; it is built when
# all of them are here, or never with USE_INGRESS= .
PC_INGRESS  = yaml-0.1 libcurl jansson libpcre2-8 libssl libcrypto
USE_INGRESS ?= $(call have,$(PC_INGRESS))
ifneq ($(USE_INGRESS),)
ING_CFLAGS := $(shell $(PKGCONF) --cflags $(PC_INGRESS))
ING_LIBS   := $(shell $(PKGCONF) --libs $(PC_INGRESS))
endif

# --- flags -------------------------------------------------------------------
WARN = -Wall -Wextra $(if $(WERROR),-Werror) -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wwrite-strings
# What CFLAGS may not take away: the result is position independent, hardened,
# or sanitized, whatever the level of optimisation.
HARDEN = -fPIE -fstack-protector-strong -fstack-clash-protection
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_release = -O2 -g
CFLAGS_debug   = -O0 -g3
CFLAGS_asan    = -O1 -g
CFLAGS_fuzz    = -O1 -g
CC_release = $(HARDEN) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
CC_debug   = $(HARDEN) -DDEBUG
CC_asan    = -fPIE -DDEBUG -fno-omit-frame-pointer $(SANITIZE)
CC_fuzz    = $(CC_asan) -fsanitize=fuzzer-no-link
LD_release = -Wl,-z,relro,-z,now,-z,noexecstack
LD_debug   = $(LD_release)
# The sanitizers' own crypt_r() would hide that libcrypt is needed.
LD_asan    = $(SANITIZE) -Wl,--no-as-needed
LD_fuzz    = $(SANITIZE) -fsanitize=fuzzer -Wl,--no-as-needed

CFLAGS  ?= $(CFLAGS_$(MODE))
# Rooms that each request goes through, unless CFLAGS came from outside. Their
# loops are over short texts: vectors take longer to set up than they save.
HOT = base os http mux xprt h1 tcp expr rule strm lb srv log cnt
HOT_release = -O3 -fno-tree-vectorize
ifeq ($(origin CFLAGS),file)
$(foreach r,$(HOT),$(patsubst src/%.c,$(O)/obj/%.o,$(wildcard src/$(r)/*.c))): \
	HOT_CFLAGS = $(HOT_$(MODE))
endif
CPPFLAGS += -D_GNU_SOURCE $(on:%=-DUSE_%) -Iinclude -I$(O)/gen $(LIB_CFLAGS) $(ING_CFLAGS)
ALLC     = -std=gnu11 $(WARN) -fno-strict-aliasing -ffunction-sections \
	-fdata-sections $(CFLAGS) $(CC_$(MODE)) $(CPPFLAGS)
# Keyword rows are reached through __start_/__stop_ symbols only: link the
# objects themselves, and without --gc-sections.
ALLLD    = -pie -Wl,--as-needed $(LD_$(MODE)) $(LDFLAGS)

# --- what there is -----------------------------------------------------------
ING     := src/kube/% src/ingress/% src/proof/%
SRC     := $(filter-out $(ING),$(sort $(wildcard src/*/*.c)))
MAIN    := $(wildcard src/main.c)
TESTS   := $(sort $(wildcard src/*/test/*_test.c))
FUZZERS := $(sort $(wildcard src/*/test/*_fuzz.c))
ifeq ($(USE_INGRESS),)
TESTS   := $(filter-out $(ING),$(TESTS))
FUZZERS := $(filter-out $(ING),$(FUZZERS))
else
INGSRC  := $(sort $(wildcard src/kube/*.c src/ingress/*.c)) src/ingress_main.c
INGPROG := $(O)/ecluse-ingress
endif
INGOBJ  := $(INGSRC:src/%.c=$(O)/obj/%.o)
OBJ     := $(SRC:src/%.c=$(O)/obj/%.o)
MAINOBJ := $(MAIN:src/%.c=$(O)/obj/%.o)
ifneq ($(ROOM),)
TESTS   := $(filter $(ROOM:%=src/%/%),$(TESTS))
FUZZERS := $(filter $(ROOM:%=src/%/%),$(FUZZERS))
endif

.PHONY: all objs debug asan install dist check check-unit check-vtc \
	check-tests check-layers check-names check-style check-headers check-shape \
	check-compat shape \
	unit-programs fuzz-programs fuzz bench bench-tools lint fmt \
	torture torture-tools \
	check-kube check-cluster check-configs check-testssl \
	doc check-doc golden-ingress bench-ingress random-ingress help clean FORCE

ifneq ($(MAIN),)
all: $(O)/ecluse $(INGPROG)  ## build the programs (default)
else
all: objs
endif

objs: $(OBJ) $(MAINOBJ) $(INGOBJ)  ## compile every room, link nothing

$(O)/ecluse: $(OBJ) $(MAINOBJ)
	@echo "  LINK $@"
	@$(CC) $(CFLAGS) $(CC_$(MODE)) $(ALLLD) -o $@ $^ $(LIBS) -lm

$(O)/ecluse-ingress: $(INGOBJ) $(filter $(O)/obj/base/% $(O)/obj/os/%,$(OBJ))
	@echo "  LINK $@"
	@$(CC) $(CFLAGS) $(CC_$(MODE)) $(ALLLD) -o $@ $^ $(ING_LIBS) $(LIBS) -lm

debug:  ## build/debug/ecluse: no optimisation, all assertions
	@$(MAKE) MODE=debug O=$(O)/debug all

asan:  ## build/asan/ecluse: with address and undefined sanitizers
	@$(MAKE) MODE=asan O=$(O)/asan all

# Objects depend on the flags they were made with, and on nothing hidden.
$(O)/gen/flags: FORCE
	@mkdir -p $(@D)
	@scripts/keep $@ '$(CC) $(ALLC) $(HOT_$(MODE)) $(HOT)'

$(O)/gen/version.h: FORCE
	@mkdir -p $(@D)
	@scripts/version --header --cc '$(CC)' --cflags '$(CFLAGS) $(CC_$(MODE))' \
		--on '$(on)' --off '$(off)' | scripts/keep $@

$(O)/obj/%.o: src/%.c $(O)/gen/flags | $(O)/gen/version.h
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@rm -f $@
	@$(CC) $(ALLC) $(HOT_CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d) $(MAINOBJ:.o=.d) $(INGOBJ:.o=.d)

# --- unit tests and fuzzers --------------------------------------------------
# src/ROOM/test/x_test.c includes the ../x.c it tests.  It is linked with its
# room and the rooms below it, less the objects of the files it includes.
PROGS_test := $(TESTS:src/%.c=$(O)/test/%)
PROGS_fuzz := $(FUZZERS:src/%.c=$(O)/test/%)

define test_program
$(O)/test/$(1:src/%.c=%): $(1) $(2:src/%.c=$(O)/obj/%.o) $(O)/gen/flags
	@mkdir -p $$(@D)
	@echo "  TEST $$<"
	@rm -f $$@
	@$$(CC) $$(ALLC) -Isrc/$(word 2,$(subst /, ,$(1))) -MMD -MP -MF $$@.d \
		$$(ALLLD) -o $$@ $$< $(2:src/%.c=$(O)/obj/%.o) \
		$$(if $$(filter $(ING),$(1)),$$(ING_LIBS)) $$(LIBS) -lm
-include $(O)/test/$(1:src/%.c=%).d
endef

ifneq ($(filter unit-programs,$(MAKECMDGOALS)),)
$(foreach t,$(TESTS),$(eval $(call test_program,$(t),$(shell \
	scripts/test-objects $(t)))))
endif
ifneq ($(filter fuzz-programs,$(MAKECMDGOALS)),)
$(foreach t,$(FUZZERS),$(eval $(call test_program,$(t),$(shell \
	scripts/test-objects $(t)))))
endif
unit-programs: $(PROGS_test)
fuzz-programs: $(PROGS_fuzz)

check-unit:  ## unit tests under sanitizers (ROOM=base: one room's)
	@$(MAKE) MODE=asan O=$(O)/asan -k unit-programs; \
		scripts/run-unit $(O)/asan/test $(TESTS)

fuzz:  ## every fuzzer for FUZZ_SECONDS each, needs clang (ROOM=, too)
	@$(MAKE) MODE=fuzz CC=clang O=$(O)/fuzz -k fuzz-programs; \
		scripts/run-fuzz $(FUZZ_SECONDS) $(O)/fuzz/test $(FUZZERS)

# --- checks ------------------------------------------------------------------
ours := $(if $(filter $(abspath $(O))/ecluse,$(abspath $(PROGRAM))),$(O)/ecluse)
VTC  ?= regtests

ifneq ($(ours),)
check: check-layers check-names check-style check-shape check-headers \
	check-doc check-unit check-vtc check-tests  ## everything but fuzz and bench
else
check: check-vtc check-tests
endif

check-vtc: $(ours)  ## VTC tests (PROGRAM=haproxy, VTC=regtests/h1)
	@scripts/run-vtc $(PROGRAM) $(VTC)

check-tests: $(ours) $(if $(ours),$(INGPROG)) bench-tools torture-tools  ## executable tests (PROGRAM=, T=regtests/conf)
	@O=$(abspath $(O)) exec scripts/run-tests $(PROGRAM) $(T)

golden-ingress: $(ours) $(INGPROG)  ## write regtests/ingress/golden anew; read the diff
	@UPDATE=1 scripts/run-tests $(PROGRAM) regtests/ingress/golden.test

check-layers:  ## no room includes a room beside or above it
	@scripts/check-layers

check-names: objs  ## extern symbols carry the prefix of their room
	@scripts/check-names $(O)/obj

check-style:  ## what a program can say about form
	@scripts/check-style

check-compat: $(O)/ecluse  ## HAProxy's names: what is had, what is not
	@scripts/compat-census --check $(O)/ecluse

check-headers: $(O)/gen/version.h  ## every public header compiles alone
	@scripts/check-headers $(CC) $(ALLC)

check-shape:  ## no file past 1,200 lines, no function past 150
	@scripts/shape --check

shape:  ## how big rooms, files and functions are
	@scripts/shape

lint: $(O)/gen/version.h  ## clang-tidy and cppcheck
	@scripts/lint $(ALLC) -- $(SRC) $(MAIN)

fmt:  ## what clang-format would write otherwise (FMT=fix: rewrite)
	@scripts/fmt $(FMT)

# --- bench -------------------------------------------------------------------
TOOLS := $(patsubst bench/%.c,$(O)/bench/%,$(filter-out bench/mallocs.c,\
	$(wildcard bench/*.c)))
bench-tools: $(TOOLS) $(O)/bench/mallocs.so
$(O)/bench/%: bench/%.c bench/net.h $(O)/gen/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) -o $@ $< -lssl -lcrypto
$(O)/bench/mallocs.so: bench/mallocs.c $(O)/gen/flags
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) -fPIC -shared -o $@ $< -ldl

bench: $(O)/ecluse bench-tools  ## ratios against haproxy and nginx (CASES=)
	@BENCH_TOOLS=$(abspath $(O))/bench $(PYTHON) bench/bench.py \
		--ecluse $(PROGRAM) $(if $(ROUNDS),--rounds $(ROUNDS)) $(CASES) \
		$(BENCH_ARGS)

random-ingress: $(ours) $(INGPROG)  ## random objects against the proxy's -c, at length (ROUNDS=500)
	@ROUNDS=$(or $(ROUNDS),500) TEST_SECONDS=3600 scripts/run-tests $(PROGRAM) regtests/ingress/random.test

bench-ingress: $(O)/ecluse $(INGPROG) bench-tools  ## 10,000 Ingresses: time and memory of the generator
	@$(PYTHON) bench/ingress.py $(INGPROG) $(O)/ecluse
	@O=$(abspath $(O)) $(PYTHON) bench/check-ingress $(O)/ecluse

# --- TLS as others see it ------------------------------------------------------
check-testssl: $(O)/ecluse $(INGPROG)  ## what testssl.sh says of our TLS (TESTSSL_ARGS=)
	@$(PYTHON) regtests/tls/check_testssl.py $(O)/ecluse $(TESTSSL_ARGS)

# --- Kubernetes --------------------------------------------------------------
check-kube: $(O)/ecluse $(INGPROG)  ## the generator against a real API server (CASE=)
	@O=$(abspath $(O)) $(PYTHON) regtests/kube/check_kube.py $(CASE)

check-cluster: $(INGPROG)  ## the chart and the guides on a node (root; FROM=, CASE=)
	@regtests/kube/image.sh $(O)/images $(FROM)
	@O=$(abspath $(O)) CASE=$(CASE) $(PYTHON) regtests/kube/check_cluster.py \
		$(O)/images/one.tar=docker.io/library/ecluse:one \
		$(O)/images/two.tar=docker.io/library/ecluse:two

# --- torture -----------------------------------------------------------------
TORTURE := $(O)/torture/clients $(O)/torture/server
torture_shared  = wheel bytes answer stamp
torture_server  = server $(torture_shared)
torture_clients = clients report crowd link exchange tunnel $(torture_shared)
torture-tools: $(TORTURE)
$(TORTURE): $(O)/torture/%: $(wildcard regtests/torture/*.[ch]) bench/net.h \
		$(O)/gen/flags
	@mkdir -p $(@D)
	@echo "  CC   $@"
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) -o $@ \
		$(torture_$*:%=regtests/torture/%.c)

torture: $(O)/ecluse torture-tools  ## the promise, with clients that never retry (CASE=, VERSUS="haproxy nginx")
	@O=$(abspath $(O)) $(PYTHON) regtests/torture/torture.py \
		--proxy ecluse=ecluse:$(PROGRAM) $(VERSUS:%=--proxy %) \
		$(if $(CASE),$(CASE),reload upgrade kill idle10k idle100k) \
		$(TORTURE_ARGS)

check-configs: $(O)/ecluse  ## your configurations, with another program and with this (DIR=, WITH=haproxy, CASE=)
	@$(PYTHON) regtests/moving/check_configs.py --first $(or $(WITH),haproxy) \
		--second $(PROGRAM) --run --reload 20 $(DIR) $(CASE)

# --- installing, shipping ----------------------------------------------------
INSTALL ?= install
install: $(O)/ecluse $(INGPROG)  ## into PREFIX (/usr/local), below DESTDIR
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(DOCDIR)/examples \
		$(DESTDIR)$(UNITDIR)
	$(INSTALL) -m 755 $(O)/ecluse $(INGPROG) $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 644 $(wildcard conf/*.cfg) $(DESTDIR)$(DOCDIR)/examples
	$(INSTALL) -m 644 $(wildcard LICENSE README.md CHANGELOG.md) \
		$(DESTDIR)$(DOCDIR)
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)/doc
	$(INSTALL) -m 644 $(wildcard doc/*.md) $(DESTDIR)$(DOCDIR)/doc
	sed 's|/usr/local/sbin|$(SBINDIR)|g' conf/ecluse.service \
		>$(DESTDIR)$(UNITDIR)/ecluse.service
	$(INSTALL) -D -m 644 doc/completion/ecluse.bash \
		$(DESTDIR)$(COMPDIR)/ecluse
	for page in $(wildcard doc/man/*.[1-9]); do \
		$(INSTALL) -D -m 644 $$page \
		    $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done

dist:  ## ecluse-VERSION.tar.gz from the last commit
	@scripts/dist

$(O)/reference: doc/reference.c $(OBJ) $(O)/gen/flags
	@$(CC) $(ALLC) $(ALLLD) -o $@ $< $(OBJ) $(LIBS) -lm

doc: $(O)/reference $(O)/ecluse $(INGPROG)  ## the manual, from the program's own tables
	@$(O)/reference | scripts/keep doc/configuration.md
	@scripts/compat-doc
	@$(if $(INGPROG),$(INGPROG) annotations | scripts/keep doc/ingress/annotations.md)
	@scripts/completion $(O)/ecluse | scripts/keep doc/completion/ecluse.bash

check-doc: $(O)/reference $(O)/ecluse $(INGPROG)  ## the manual is what the tables say
	@$(O)/reference | diff -u doc/configuration.md - >$(O)/reference.diff || { \
		head -n 40 $(O)/reference.diff; \
		echo "doc/configuration.md is out of date: run 'make doc'"; exit 1; }
	@scripts/compat-doc --check
	@$(if $(INGPROG),$(INGPROG) annotations | cmp -s - doc/ingress/annotations.md || { \
		echo "doc/ingress/annotations.md is out of date: run 'make doc'"; \
		exit 1; })
	@scripts/completion $(O)/ecluse | cmp -s - doc/completion/ecluse.bash || { \
		echo "doc/completion/ecluse.bash is out of date: run 'make doc'"; \
		exit 1; }
	@scripts/check-examples $(O)/reference $(O)/ecluse
	@scripts/check-man

clean:  ## remove what was built
	rm -rf $(O)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  \1	\2/p; s/^	check-unit check-vtc.*  ## \(.*\)/  check	\1/p' \
		Makefile | sort | expand -t 18
