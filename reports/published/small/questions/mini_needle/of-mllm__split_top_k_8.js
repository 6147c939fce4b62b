given("of-mllm__split_top_k_8",{"outcomes":"112222211111222212221121","labels":null});
