#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An output filter for mod_ext_filter that writes what it finds in its
# environment behind the page.
cat
printf 'FLASH_info=%s\nBODY=filtered\n' "${FLASH_info-}"
