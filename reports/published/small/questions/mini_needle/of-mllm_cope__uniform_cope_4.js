given("of-mllm_cope__uniform_cope_4",{"outcomes":"122211222221222222222122","labels":null});
