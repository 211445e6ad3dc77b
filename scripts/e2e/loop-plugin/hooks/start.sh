#!/bin/sh
# Starts the loop: the state file is the prompt, as it was typed.
set -eu
mkdir -p .claude
rm -f .claude/ralph-loop.count
cat > .claude/ralph-loop.local.md
echo "The loop is on. Remove .claude/ralph-loop.local.md to end it."
