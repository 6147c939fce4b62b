given("of-mllm_cope__uniform_cope_4",{"outcomes":"123212122212223222221222","labels":null});
