#!/bin/sh
# Makes disk.img of what Buildroot has built: $1 is the folder of images, $2 the
# board. genimage.cfg and boot.cmd are written by tools/mkimage from
# images/layouts, and a test compares them.
set -eu

images=$1 board=$2
here=$BR2_EXTERNAL_LONGWIRE_PATH/board/$board
input=$images/kit

rm -rf "$input"
mkdir -p "$input"
for file in rootfs.ext4 u-boot.bin u-boot.img MLO; do
	[ ! -e "$images/$file" ] || ln -s "$(readlink -f "$images/$file")" "$input/$file"
done
for file in "$images"/*.dtb "$images"/rpi-firmware/*.elf "$images"/rpi-firmware/*.dat "$images"/rpi-firmware/config.txt; do
	[ ! -e "$file" ] || ln -s "$(readlink -f "$file")" "$input/${file##*/}"
done

# The script that chooses a slot, and the boot environment of a new kit.
mkimage -A arm -T script -C none -n "longwire $board" -d "$here/boot.cmd" "$input/boot.scr"
mkenvimage -s 512 -p 0 -o "$input/bootenv.bin" "$BR2_EXTERNAL_LONGWIRE_PATH/board/common/bootenv.txt"
truncate -s 1M "$input/bootenv.bin"

# genimage copies the folder that it is told is the root: an empty one.
root=$(mktemp -d)
trap 'rm -rf "$root" "$BUILD_DIR/genimage.tmp"' EXIT
rm -rf "$BUILD_DIR/genimage.tmp"
genimage --rootpath "$root" --tmppath "$BUILD_DIR/genimage.tmp" \
	--inputpath "$input" --outputpath "$images" --config "$here/genimage.cfg"
