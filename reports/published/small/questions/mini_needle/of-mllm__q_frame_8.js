given("of-mllm__q_frame_8",{"outcomes":"112222211121222112211121","labels":null});
