# Chooses the slot, counts the start, starts the watchdog and the kernel. See package images/slots for the boot environment.
# Runs in U-Boot's hush: no functions, and tests are strings or hexadecimal numbers.

echo "kit: ${kit_board}"

# The watchdog first, so that whatever hangs from here on is started again. On real boards U-Boot's own driver has started it before it
# looked for this script (CONFIG_WATCHDOG_AUTOSTART), and feeds it until the kernel runs; QEMU's i6300esb, which Debian's U-Boot does not know,
# is looked for on bus 0 and told here: Intel 6300ESB datasheet §15. It resets after 2 x 30 s. 3 is on and locked: else
# Linux' driver turns it off when it is loaded, until systemd opens it.
if test -n "${kit_ecam}"; then
	for d in 1 2 3 4 5 6 7 8 9 a b c d e f 10; do
		setexpr c ${d} * 8000
		setexpr c ${kit_ecam} + ${c}
		setexpr.l id *${c}
		if test "${id}" = "25ab8086"; then
			setexpr r ${c} + 10
			setexpr.l r *${r}
			setexpr.l r ${r} \& fffffff0
			setexpr r1 ${r} + 4
			setexpr rr ${r} + c
			# Every change of a preload is unlocked by 80, 86 (§15.4.3); the unit is 0.993 ms.
			mw.w ${rr} 80; mw.w ${rr} 86; mw.l ${r} 7800
			mw.w ${rr} 80; mw.w ${rr} 86; mw.l ${r1} 7800
			mw.w ${rr} 80; mw.w ${rr} 86; mw.w ${rr} 100
			setexpr l ${c} + 68
			mw.b ${l} 3
			echo "kit: watchdog started"
		fi
	done
fi

# Both copies of the boot environment.
if test "${kit_if}" = "mmc"; then
	mmc dev ${kit_dev}
fi
setexpr m1 ${kernel_addr_r} + 1000
setexpr m2 ${kernel_addr_r} + 2000
setenv gen0
setenv gen1
setenv from
part start ${kit_if} ${kit_dev} bootenv at0
setexpr at1 ${at0} + 400
if ${kit_if} read ${kernel_addr_r} ${at0} 1; then
	if env import -c ${kernel_addr_r} 200 BOOT_GEN; then setenv gen0 ${BOOT_GEN}; fi
fi
if ${kit_if} read ${m1} ${at1} 1; then
	if env import -c ${m1} 200 BOOT_GEN; then setenv gen1 ${BOOT_GEN}; fi
fi

# The newer: of two good ones, the second if its number follows the first's.
if test -n "${gen0}"; then setenv from ${kernel_addr_r}; fi
if test -n "${gen1}"; then
	if test -z "${gen0}"; then setenv from ${m1}; fi
	if test "${gen0}${gen1}" = "01"; then setenv from ${m1}; fi
	if test "${gen0}${gen1}" = "12"; then setenv from ${m1}; fi
	if test "${gen0}${gen1}" = "20"; then setenv from ${m1}; fi
fi
setenv BOOT_GEN 2
setenv BOOT_ORDER
setenv BOOT_A_LEFT
setenv BOOT_B_LEFT
setenv to ${at0}
if test -n "${from}"; then
	env import -c ${from} 200 BOOT_GEN BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
	if test "${from}" = "${kernel_addr_r}"; then setenv to ${at1}; fi
else
	echo "kit: no good copy of the boot environment"
fi
if test -z "${BOOT_ORDER}"; then setenv BOOT_ORDER "A B"; fi
if test -z "${BOOT_A_LEFT}"; then setenv BOOT_A_LEFT 3; fi
if test -z "${BOOT_B_LEFT}"; then setenv BOOT_B_LEFT 3; fi

# The first slot in order with a start left.
setenv slot
for s in ${BOOT_ORDER}; do
	if test -z "${slot}"; then
		if test "${s}" = "A"; then setenv left ${BOOT_A_LEFT}; else setenv left ${BOOT_B_LEFT}; fi
		if test "${left}" != "0"; then setenv slot ${s}; fi
	fi
done
# A slot that is not in the order holds half a system: it never counts.
if test -z "${slot}"; then
	echo "kit: no slot in the order has a start left: both get theirs again"
	setenv BOOT_A_LEFT 3
	setenv BOOT_B_LEFT 3
	setenv left 3
	for s in ${BOOT_ORDER}; do
		if test -z "${slot}"; then setenv slot ${s}; fi
	done
fi
setexpr left ${left} - 1
if test "${slot}" = "A"; then setenv BOOT_A_LEFT ${left}; else setenv BOOT_B_LEFT ${left}; fi

# Written over the older copy, before anything of the slot is touched.
if test "${BOOT_GEN}" = "0"; then setenv BOOT_GEN 1; elif test "${BOOT_GEN}" = "1"; then setenv BOOT_GEN 2; else setenv BOOT_GEN 0; fi
env export -c -s 200 ${m2} BOOT_GEN BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
if ${kit_if} write ${m2} ${to} 1; then true; else echo "kit: the boot environment cannot be written"; fi
echo "kit: slot ${slot}, order ${BOOT_ORDER}, starts left A ${BOOT_A_LEFT} B ${BOOT_B_LEFT}"

# The kernel. panic and a failed mount of the root start the machine again, hence count. A data partition is repaired without asking.
# The root is named by its device and not by its label: a stick's partitions may have any label, but are never of the disk inside.
part number ${kit_if} ${kit_dev} root${slot} n
setexpr p ${n} + 0
setenv bootargs "console=${kit_console} root=${kit_root}${p} ro rootwait panic=5 quiet fsck.repair=yes kit.slot=${slot} kit.board=${kit_board} ${kit_extra}"
if load ${kit_if} ${kit_dev}:${n} ${kernel_addr_r} /boot/${kit_kernel}; then
	setenv tree ${fdt_addr}
	if test -n "${kit_dtb}"; then
		setenv tree ${fdt_addr_r}
		load ${kit_if} ${kit_dev}:${n} ${fdt_addr_r} /boot/${kit_dtb}
	fi
	setenv initrd -
	if test -e ${kit_if} ${kit_dev}:${n} /boot/initrd.img; then
		load ${kit_if} ${kit_dev}:${n} ${ramdisk_addr_r} /boot/initrd.img
		setenv initrd ${ramdisk_addr_r}:${filesize}
	fi
	${kit_boot} ${kernel_addr_r} ${initrd} ${tree}
fi
echo "kit: slot ${slot} does not start"
sleep 2
reset
