include $(sort $(wildcard $(BR2_EXTERNAL_LONGWIRE_PATH)/package/*/*.mk))
