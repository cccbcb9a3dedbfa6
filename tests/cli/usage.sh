#!/usr/bin/env bash
# Help that fits a screen, version, licences, and errors of usage with suggestions.
. "$(dirname "$0")/common.sh"

fits() {
  awk -v name="$1" 'length($0) > 90 { print name ": line too long: " $0; bad = 1 }
       END { if (NR > 36) { print name ": " NR " lines"; bad = 1 } exit bad }' out >&2 || fail "help of $1"
}
run 0 --help; fits taxon; says out Example
for verb in train eval predict report metrics data info bench; do
  run 0 --help
  says out "taxon $verb"
  run 0 $verb --help
  fits $verb
  says out Example
done
# Every option of the table is in the help of train.
run 0 train --help
cp out train_help
for option in $(sed -n 's/.*TrainOptionRow{"\([a-z_]*\)".*/\1/p' "$SOURCE/train/src/options.cpp"); do
  [ "$option" = data ] || says train_help "--${option//_/-}"
done

run 0 --version
for word in taxon commit compiler isa backends; do says out "$word"; done
run 0 --licenses
for word in Apache zlib Eigen nlohmann Chart.js; do says out "$word"; done

run 2; says err "taxon train"
run 2 trian; says err "did you mean 'train'"
run 2 --vresion; says err "did you mean '--version'"
run 2 train x --epoch 3; says err "did you mean '--epochs'"
run 2 train x --epochs; says err "--epochs"
run 2 train x --epochs 0; says err "--epochs is 0, expected 1"
run 2 train x --lr fast; says err "--lr"
run 2 train x --schedule cosin; says err "did you mean 'cosine'"
run 2 train x --optimizer lion; says err "expected sgd, adamw, muon"
run 2 train x --best macro-f1; says err "did you mean 'macro_f1'"
run 2 train x --sampling weighted; says err "expected shuffle, balanced, FILE.csv"
run 2 train x --mixup -1; says err "--mixup is -1, expected 0 to 100"
run 2 train x --device gpu; says err "device 'gpu' is unknown; expected cpu, cuda or cuda:N"
run 5 train x --device cuda:77; says err "device cuda:77 is not available"
run 2 train x --precision f16; says err "--precision is 'f16'"
run 2 train x y; says err "unexpected argument 'y'"
run 2 train; says err "DATA is missing"
run 2 eval; says err "MODEL"
run 2 predict; says err "MODEL"
run 2 report; says err "RUN"
run 4 report nowhere; says err "nowhere"
run 2 data lst; says err "did you mean 'list'"
run 2 bench --model resnet81; says err "resnet8"
run 2 bench --precision f16; says err "expected f32 or bf16"
run 2 info --verify; says err "--verify needs a model"
run 4 metrics nowhere.csv; says err nowhere.csv
run 4 train x --config nowhere.toml; says err nowhere.toml
run 4 train --resume nowhere; says err "nowhere"

run 0 info; says out "instruction set"
run 0 info --kernels; says out conv2d_forward; says out chosen
TAXON_ISA=baseline run 0 info --kernels; says out "declined: TAXON_ISA caps at baseline"
run 2 info --kernels --batch 8; says err "--batch goes with the kernels of a model"
run 2 info --kernels resnet81; says err "did you mean 'resnet8'"
# Of a model: layers in the order of the step, by name in each direction, the choice and its share.
run 0 info --kernels resnet8 --batch 8 --seconds 0
for pass in forward data weights; do
  grep -q "^layer1.0.conv1 .* $pass .*/winograd/" out || fail "no Winograd $pass of layer1.0.conv1"
done
grep -q "^conv1 .* forward .*/implicit_gemm/.*winograd/.*: few channels" out || fail "why not Winograd"
grep -q "^bn1 .* backward .*batch_norm_grad/" out || fail "bn1 backward"
grep -q "^fc .* 10x8 \* 8x64 .* weights .*gemm/" out || fail "fc weights"
run 0 info --kernels lenet --batch 8 --seconds 0
grep -q "^0 .* 1->6 28x28, pool .* forward .*conv_pool/.* 0.002 GFLOP" out || fail "lenet's first layer"
grep -q "^0 .* 1->6 28x28, pool .* weights .*conv_pool_backward_weight/" out || fail "its gradient"
run 0 info --kernels resnet8 --batch 8 --seconds 0 --exact-conv
grep -q "^layer1.0.conv1 .*forward .*/implicit_gemm/" out || fail "--exact-conv"
run 0 info --kernels resnet8 --batch 2 --seconds 0.01 --threads 1 --json
for key in model precision batch threads isa f32_gflops bandwidth_gb_s step_ms layers kernels layer shape pass row passed_over gflop \
  gbyte ms of_limit; do
  says out "\"$key\":"
done
grep -q '"layer":"fc","shape":"2x64 \* 64x10","pass":"forward",.*"gflop":2.56e-06,.*"of_limit":0\.' out || fail "the share of fc"
run 0 data list; says out fashion-mnist
run 2 data chekc x; says err "did you mean 'check'"
run 2 data check; says err "DATA is missing"
run 2 data check x --labels fsat; says err "did you mean 'fast'"
run 2 data check x --epochs 3; says err "--labels train"
run 2 data show x --near 90; says err "--near is for taxon data check"
pictures checked 12
cp checked/train/top/0.bmp checked/test/bottom/copy.bmp
: >checked/train/top/empty.bmp
run 1 data check checked --out report
says out "1 exactly, 0 nearly"; says out "empty.bmp"; is_there report/check.html; is_there report/leaks.csv
rm checked/train/top/empty.bmp
run 0 data check checked --labels train --model mlp --epochs 1 --folds 2 --near 0 --json --out trained
says out '"source": "train"'; is_there trained/folds/predictions.csv
run 0 data check checked --predictions trained/folds --near 0; says out "by the predictions given"
run 0 bench --model resnet8 --batch 2 --seconds 0.01 --exact-conv; says out train_ms
run 0 bench --model resnet8 --batch 2 --seconds 0.01 --precision bf16; says out "precision bf16"
run 0 bench --model mlp --batch 2 --seconds 0.01 --json
for key in model precision batch threads isa train_ms train_img_s infer_ms infer_img_s b1_ms start_rss_mb train_rss_mb peak_rss_mb; do
  says out "\"$key\":"
done
run 0 bench --model mlp --batch 2 --seconds 0.01 --no-train --json; says out '"infer_ms":'
grep -q train_ms out && fail "--no-train trains"
finish
