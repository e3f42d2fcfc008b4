# QEMU virt, 64 bit. Written by mkimage layout qemu-aarch64 -bootcmd.
setenv kit_board 'qemu-aarch64'
setenv kit_if 'virtio'
setenv kit_dev '0'
setenv kit_kernel 'Image'
setenv kit_boot 'booti'
setenv kit_dtb
setenv kit_console 'ttyAMA0'
setenv kit_extra
setenv kit_ecam '4010000000'
setenv kit_root '/dev/vda'
pci enum; virtio scan; virtio dev 0; load virtio 0:1 ${scriptaddr} /boot.scr && source ${scriptaddr}; sleep 5; reset
