# Compiler and linker flags that are used where they work, and left out where they do not.
#
# -Werror turns clang's "unknown option, ignored" into the refusal that it is.

# SINK_CFLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([SINK_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $2])
	sink_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror $2"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes]); AS_VAR_APPEND([$1], [" $2"])],
		[AC_MSG_RESULT([no])])
	CFLAGS=$sink_saved_cflags
])

# SINK_LDFLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the linker takes it.
AC_DEFUN([SINK_LDFLAG], [
	AC_MSG_CHECKING([whether the linker takes $2])
	sink_saved_ldflags=$LDFLAGS
	LDFLAGS="$LDFLAGS $2"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes]); AS_VAR_APPEND([$1], [" $2"])],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$sink_saved_ldflags
])

# SINK_CFLAGS(VARIABLE, FLAGS): SINK_CFLAG for each word.
AC_DEFUN([SINK_CFLAGS], [m4_foreach_w([sink_flag], [$2], [SINK_CFLAG([$1], m4_defn([sink_flag]))])])
AC_DEFUN([SINK_LDFLAGS], [m4_foreach_w([sink_flag], [$2], [SINK_LDFLAG([$1], m4_defn([sink_flag]))])])
