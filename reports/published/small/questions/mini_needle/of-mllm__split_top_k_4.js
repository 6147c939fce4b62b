given("of-mllm__split_top_k_4",{"outcomes":"122122212121221111211121","labels":null});
