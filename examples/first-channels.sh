#!/bin/sh
# SPDX-License-Identifier: MIT
# Two providers and a token that may use both. The providers' keys are read from files, never from arguments.
set -eu
crctl channel create openai --kind openai --base-url https://api.openai.com/v1 \
  --key-file /root/openai.key --models 'gpt-*,o3*,o4-mini,text-embedding-3-*'
crctl channel create anthropic --kind anthropic --base-url https://api.anthropic.com/v1 \
  --key-file /root/anthropic.key --models 'claude-*'
crctl channel test openai
crctl token create team-a --expires 90d --quota 50 --models 'gpt-4o-mini,claude-*' --out team-a.key
