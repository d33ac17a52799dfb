#!/usr/bin/env bash
# The main workflow on the local AWS, end to end, with the commands that a person would type: `make demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}

run 'python -m local start --port auto'
run 'eval "$(python -m local env)"'
run 'npx cdk deploy --require-approval never --progress errors-only'
run 'python utils/load-ddb.py --config config.json --json utils/simplelist.json'
run 'python utils/run.py'

arn=$(aws cloudformation describe-stacks --stack-name FanOutStack --output text \
    --query 'Stacks[0].Outputs[?OutputKey==`StateMachineArn`].OutputValue')
cat <<END

That was your list, your function and the stock tools; the same commands work on your AWS account.

Point your own shell at the local AWS:
    source .venv/bin/activate
    eval "\$(python -m local env)"

What to try next:
    utils/listofdicts.json                   another list: load it as above with utils/load-ddb.py; then python utils/run.py
    config.json: "maxConcurrency": 3         all items at once; then npx cdk deploy and python utils/run.py
    config.json: "waitDurationSeconds": 25   longer than the timeout of 20 s: the execution ends TIMED_OUT
    lambdas/process_item/process.py          your own function; then npx cdk deploy
    aws stepfunctions start-execution --state-machine-arn $arn

The README has more. Stop the local AWS, and what is deployed on it, with:
    python -m local stop
END
