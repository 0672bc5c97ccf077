/** Specs to start from. They use built-in datasets, so that each can be submitted as it is. */

const SPLIT = {
  test: { method: "train_test_split", train_fraction: 0.8, seed: 0, stratify: "target" },
  validation: { method: "last", train_fraction: 0.8 },
};

/** @type {{name: string, label: string, spec: Record<string, unknown>}[]} */
export const EXAMPLES = [
  {
    name: "wine",
    label: "Wine: classes from measurements",
    spec: {
      name: "wine",
      data: { dataset: "builtin:wine", target: { column: "target" }, split: SPLIT },
      network: {
        layers: [
          { type: "BatchNormalization", momentum: 0.8 },
          { type: "Dense", units: 32, activation: "relu" },
          { type: "Dropout", rate: 0.2 },
          { type: "Dense", units: 3, activation: "softmax" },
        ],
      },
      training: { optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"], batch_size: 16, epochs: 40, seed: 0 },
    },
  },
  {
    name: "diabetes",
    label: "Diabetes: a number from measurements",
    spec: {
      name: "diabetes",
      data: {
        dataset: "builtin:diabetes",
        features: [{ columns: ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"], transform: "standard" }],
        target: { column: "target", standard: true },
        split: { ...SPLIT, test: { method: "train_test_split", train_fraction: 0.8, seed: 0 } },
      },
      network: {
        layers: [{ type: "Dense", units: 32, activation: "gelu" }, { type: "Dropout", rate: 0.2 }, { type: "Dense", units: 1 }],
      },
      training: {
        optimizer: { type: "AdamW", learning_rate: 0.01, weight_decay: 0.01 },
        loss: "mse",
        metrics: ["mae", "r2_score"],
        epochs: 60,
        seed: 0,
        callbacks: [{ type: "EarlyStopping", patience: 20, restore_best_weights: true }],
      },
    },
  },
  {
    name: "digits",
    label: "Digits: a convolution over images",
    spec: {
      name: "digits",
      data: { dataset: "builtin:digits", target: { column: "target" }, split: SPLIT },
      network: {
        layers: [
          { type: "Rescaling", scale: 0.0625 },
          { type: "Reshape", target_shape: [8, 8, 1] },
          { type: "Conv2D", filters: 16, kernel_size: 3, padding: "same", activation: "relu" },
          { type: "MaxPooling2D", pool_size: 2 },
          { type: "Conv2D", filters: 32, kernel_size: 3, padding: "same", activation: "relu" },
          "GlobalAveragePooling2D",
          { type: "Dense", units: 10, activation: "softmax" },
        ],
      },
      training: { optimizer: { type: "Adam", learning_rate: 0.01 }, loss: "sparse_categorical_crossentropy", metrics: ["accuracy"], epochs: 10, seed: 0 },
    },
  },
];
