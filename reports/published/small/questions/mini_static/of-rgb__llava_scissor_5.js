given("of-rgb__llava_scissor_5",{"outcomes":"332333323322313333223322","labels":null});
