# QEMU virt, 32 bit. Written by mkimage layout qemu-armv7 -bootcmd.
setenv kit_board 'qemu-armv7'
setenv kit_if 'virtio'
setenv kit_dev '0'
setenv kit_kernel 'zImage'
setenv kit_boot 'bootz'
setenv kit_dtb
setenv kit_console 'ttyAMA0'
setenv kit_extra
setenv kit_ecam '3f000000'
setenv kit_root '/dev/vda'
pci enum; virtio scan; virtio dev 0; load virtio 0:1 ${scriptaddr} /boot.scr && source ${scriptaddr}; sleep 5; reset
