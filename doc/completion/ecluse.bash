# SPDX-License-Identifier: Apache-2.0
# Completion of ecluse(8) for bash. Made by `make doc` from the usage.

_ecluse()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}

	case $prev in
	-f|-S|-p|-x)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	-C)
		COMPREPLY=($(compgen -d -- "$cur"))
		return ;;
	-sf|-st)
		COMPREPLY=($(compgen -W "$(ps -eo pid=)" -- "$cur"))
		return ;;
	-cc|-n|-N|-m|-L)
		COMPREPLY=()
		return ;;
	*)
		COMPREPLY=($(compgen -W "-f -- -c -cc -v -V -q -W -Ws -S -D -d -db -C -p -n -N -m -L -sf -st -x -dD -dW -dK -dL -dM -de -dp -dS -dR -dI" -- "$cur"))
		return ;;
	esac
}

complete -o filenames -F _ecluse ecluse
