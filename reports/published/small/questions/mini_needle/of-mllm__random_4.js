given("of-mllm__random_4",{"outcomes":"122221222212212212222122","labels":null});
