################################################################################
#
# longwire
#
################################################################################

# The project's own folder, of which only a few files are of interest here.
LONGWIRE_SITE = $(realpath $(BR2_EXTERNAL_LONGWIRE_PATH)/..)
LONGWIRE_SITE_METHOD = local
LONGWIRE_LICENSE = Apache-2.0
LONGWIRE_LICENSE_FILES = LICENSE

LONGWIRE_PLATFORM = linux-$(if $(BR2_aarch64),arm64,armv7)
LONGWIRE_BINARY = build/longwire-$(LONGWIRE_PLATFORM)
LONGWIRE_UNITS = images/layouts/overlay/usr/lib/systemd/system
LONGWIRE_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--include=/LICENSE \
	--include=/build/ --include=/$(LONGWIRE_BINARY) --include=/build/codec.snapshot \
	--include=/images/ --include=/images/layouts/ \
	--include=/images/layouts/overlay/*** \
	--exclude=*

# They own files on the data partition, which both slots use: fixed numbers,
# the same as in images/layouts/overlay/usr/lib/sysusers.d/longwire.conf.
define LONGWIRE_USERS
	longwire 980 longwire 980 * /data/longwire - dialout Longwire node
endef

define LONGWIRE_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/$(LONGWIRE_BINARY) $(TARGET_DIR)/usr/bin/longwire
	$(INSTALL) -D -m 0644 $(@D)/build/codec.snapshot $(TARGET_DIR)/usr/share/longwire/codec.snapshot
	mkdir -p $(TARGET_DIR)/data
endef

define LONGWIRE_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/$(LONGWIRE_UNITS)/longwire-device.service \
		$(TARGET_DIR)/usr/lib/systemd/system/longwire-device.service
	$(INSTALL) -D -m 0644 $(@D)/$(LONGWIRE_UNITS)/longwire.service \
		$(TARGET_DIR)/usr/lib/systemd/system/longwire.service
endef

define LONGWIRE_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(LONGWIRE_PKGDIR)/S80longwire-device \
		$(TARGET_DIR)/etc/init.d/S80longwire-device
	$(INSTALL) -D -m 0755 $(LONGWIRE_PKGDIR)/S90longwire \
		$(TARGET_DIR)/etc/init.d/S90longwire
endef

$(eval $(generic-package))

# Buildroot synchronizes a local package only once. A newer binary or unit is
# synchronized and installed again.
$(LONGWIRE_TARGET_RSYNC) $(LONGWIRE_TARGET_INSTALL_TARGET): \
	$(LONGWIRE_SITE)/$(LONGWIRE_BINARY) $(LONGWIRE_SITE)/build/codec.snapshot \
	$(wildcard $(LONGWIRE_SITE)/$(LONGWIRE_UNITS)/longwire*.service)

$(LONGWIRE_SITE)/$(LONGWIRE_BINARY) $(LONGWIRE_SITE)/build/codec.snapshot:
	@echo "$@ is missing: run 'make release' in $(LONGWIRE_SITE)" >&2; exit 1
