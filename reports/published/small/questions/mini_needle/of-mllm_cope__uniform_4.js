given("of-mllm_cope__uniform_4",{"outcomes":"122221222211222222112122","labels":null});
