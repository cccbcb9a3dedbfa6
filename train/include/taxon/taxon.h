// Everything of Taxon: tensors, layers, data, metrics, models, training.
#pragma once

#include <taxon/core/ops.h>
#include <taxon/core/tensor.h>
#include <taxon/data/folds.h>
#include <taxon/data/loader.h>
#include <taxon/data/sources.h>
#include <taxon/layers/layers.h>
#include <taxon/layers/losses.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/predictions.h>
#include <taxon/metrics/report.h>
#include <taxon/models/classifier.h>
#include <taxon/models/model_file.h>
#include <taxon/models/safetensors.h>
#include <taxon/train/evaluate.h>
#include <taxon/train/folds.h>
#include <taxon/train/optimizer.h>
#include <taxon/train/recipe.h>
#include <taxon/train/run.h>
#include <taxon/train/schedule.h>
#include <taxon/train/trainer.h>
