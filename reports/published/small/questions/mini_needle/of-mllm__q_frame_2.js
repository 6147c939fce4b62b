given("of-mllm__q_frame_2",{"outcomes":"212112211121222112221121","labels":null});
