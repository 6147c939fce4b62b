given("of-mllm__uniform_8",{"outcomes":"122221222212222112222122","labels":null});
