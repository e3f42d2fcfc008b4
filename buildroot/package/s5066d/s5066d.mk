################################################################################
#
# s5066d
#
################################################################################

# The project's own folder, of which only a few files are of interest here.
S5066D_SITE = $(realpath $(BR2_EXTERNAL_LONGWIRE_PATH)/..)
S5066D_SITE_METHOD = local
S5066D_LICENSE = Apache-2.0
S5066D_LICENSE_FILES = LICENSE

S5066D_PLATFORM = linux-$(if $(BR2_aarch64),arm64,armv7)
S5066D_BINARY = build/s5066d-$(S5066D_PLATFORM)
S5066D_UNITS = images/layouts/overlay/usr/lib/systemd/system
S5066D_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--include=/LICENSE \
	--include=/build/ --include=/$(S5066D_BINARY) \
	--include=/images/ --include=/images/layouts/ \
	--include=/images/layouts/overlay/*** \
	--exclude=*

# It owns files on the data partition, which both slots use: a fixed number,
# the same as in images/layouts/overlay/usr/lib/sysusers.d/longwire.conf.
define S5066D_USERS
	s5066d 981 s5066d 981 * /data/s5066d - dialout STANAG 5066 server
endef

define S5066D_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/$(S5066D_BINARY) $(TARGET_DIR)/usr/bin/s5066d
endef

define S5066D_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/$(S5066D_UNITS)/s5066d.service \
		$(TARGET_DIR)/usr/lib/systemd/system/s5066d.service
endef

define S5066D_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(S5066D_PKGDIR)/S85s5066d \
		$(TARGET_DIR)/etc/init.d/S85s5066d
endef

$(eval $(generic-package))

# Buildroot synchronizes a local package only once. A newer binary or unit is
# synchronized and installed again.
$(S5066D_TARGET_RSYNC) $(S5066D_TARGET_INSTALL_TARGET): \
	$(S5066D_SITE)/$(S5066D_BINARY) \
	$(wildcard $(S5066D_SITE)/$(S5066D_UNITS)/s5066d.service)

$(S5066D_SITE)/$(S5066D_BINARY):
	@echo "$@ is missing: run 'make release' in $(S5066D_SITE)" >&2; exit 1
