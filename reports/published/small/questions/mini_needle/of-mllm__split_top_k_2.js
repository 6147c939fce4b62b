given("of-mllm__split_top_k_2",{"outcomes":"212212212121221112211121","labels":null});
