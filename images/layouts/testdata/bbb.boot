# BeagleBone Black. Written by mkimage layout bbb -bootcmd.
setenv kit_board 'bbb'
setenv kit_if 'mmc'
setenv kit_dev '1'
setenv kit_kernel 'zImage'
setenv kit_boot 'bootz'
setenv kit_dtb 'am335x-boneblack-longwire.dtb'
setenv kit_console 'ttyS0,115200'
setenv kit_extra
setenv kit_ecam
setenv kit_root '/dev/mmcblk1p'
mmc dev 1; load mmc 1:1 ${scriptaddr} /boot.scr && source ${scriptaddr}; sleep 5; reset
