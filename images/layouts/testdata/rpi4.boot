# Raspberry Pi 4 B or Compute Module 4. Written by mkimage layout rpi4 -bootcmd.
setenv kit_board 'rpi4'
setenv kit_if 'mmc'
setenv kit_dev '0'
setenv kit_kernel 'Image'
setenv kit_boot 'booti'
setenv kit_dtb
setenv kit_console 'tty1'
setenv kit_extra
setenv kit_ecam
setenv kit_root '/dev/mmcblk0p'
mmc dev 0; load mmc 0:1 ${scriptaddr} /boot.scr && source ${scriptaddr}; sleep 5; reset
