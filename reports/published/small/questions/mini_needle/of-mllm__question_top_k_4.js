given("of-mllm__question_top_k_4",{"outcomes":"112212212121222212221121","labels":null});
