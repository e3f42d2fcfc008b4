#!/bin/sh
# Last words on a slot's files, before its file system is made: $1 is the target
# directory, $2 the board. Buildroot exports the rest.
set -eu

target=$1 board=$2

fail() {
	echo "post-build: $board: $*" >&2
	exit 1
}

# Where the partitions are mounted that are not the slot.
mkdir -p "$target/data" "$target/tmp" "$target/var"

# Which board and which system this is, for people and for the bundle that is made
# of it. A read-only root has its name from the configuration.
{
	echo "NAME=Longwire"
	echo "PRETTY_NAME=\"Longwire ${LONGWIRE_VERSION:-devel} ($board, Buildroot $BR2_VERSION)\""
	echo "ID=longwire"
	echo "ID_LIKE=buildroot"
	echo "VERSION_ID=${LONGWIRE_VERSION:-devel}"
	echo "VARIANT_ID=$board"
	echo "BUILD_ID=buildroot-$BR2_VERSION"
} > "$target/usr/lib/os-release"

# What only a person at a prompt, a desktop or a build uses. A slot is small.
for path in \
	etc/init.d etc/profile.d etc/systemd/user etc/xdg \
	usr/lib/environment.d usr/lib/kernel usr/lib/pcrlock.d usr/lib/rpm \
	usr/lib/systemd/catalog usr/lib/systemd/user usr/lib/systemd/user-preset \
	usr/lib/systemd/user-environment-generators usr/lib/systemd/user-generators \
	usr/share/bash-completion usr/share/factory usr/share/locale \
	usr/share/mime usr/share/polkit-1 usr/share/zsh \
	usr/bin/busctl usr/bin/kernel-install usr/bin/loginctl usr/bin/run0 \
	usr/bin/systemd-ac-power usr/bin/systemd-cat usr/bin/systemd-cgls \
	usr/bin/systemd-cgtop usr/bin/systemd-delta usr/bin/systemd-firstboot \
	usr/bin/systemd-inhibit usr/bin/systemd-mount usr/bin/systemd-path \
	usr/bin/systemd-run usr/bin/systemd-stdio-bridge usr/bin/systemd-umount \
	usr/bin/systemd-vpick usr/bin/userdbctl usr/bin/varlinkctl
do
	[ ! -d "$target/usr/lib/systemd" ] || rm -rf "${target:?}/$path"
done

# A kernel for 64 bit does not unpack itself: U-Boot does it, by what the file
# begins with and not by its name. One for 32 bit is packed already.
kernel=$target/boot/Image
if [ -e "$kernel" ] && ! gzip -t "$kernel" 2> /dev/null; then
	gzip -9n < "$kernel" > "$kernel.gz"
	mv "$kernel.gz" "$kernel"
fi

# The keys of the organisation whose sticks this kit obeys; none: the first stick's.
for key in ${LONGWIRE_TRUST:-}; do
	install -D -m 0644 "$key" "$target/etc/longwire/trust/${key##*/}"
done

# A kit is closed: nobody logs in, whatever a later default of Buildroot brings.
root=$(sed -n 's/^root:\([^:]*\):.*/\1/p' "$target/etc/shadow")
case $root in
"*"* | "!"*) ;;
*) fail "root can log in" ;;
esac
for program in dropbear sshd telnetd; do
	[ ! -e "$target/usr/bin/$program" ] || fail "there is a $program"
done
for unit in getty@ serial-getty@ console-getty debug-shell; do
	mask="$target/etc/systemd/system/$unit.service"
	[ ! -d "$target/etc/systemd" ] || { [ -e "$mask" ] && [ ! -s "$mask" ]; } || [ -L "$mask" ] ||
		fail "$unit.service is not masked"
done
for program in longwire s5066d; do
	[ -x "$target/usr/bin/$program" ] || fail "there is no $program"
done
