given("of-rgb__rgb_1k",{"outcomes":"212221211221122121221221","labels":null});
